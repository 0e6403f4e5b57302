import ArgumentParser
import Catalogue
import Core
import Kafka
import KafkaFlags
import Logging
import Options
import Pipeline
import ServiceKit

/// `scheduler`: without a subcommand, sends what is due; `plan` says what would be, `replay` sends what was.
package struct SchedulerProgram: ServiceProgram {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.scheduler.name,
    abstract: "Announces what is due to be fetched, each job once, whichever replica is active.",
    version: Souk.version, subcommands: [ScheduleCommand.self, PlanCommand.self, ReplayCommand.self],
    defaultSubcommand: ScheduleCommand.self)

  package init() {}
}

/// `scheduler run`: sends what is due, while it is the active one.
package struct ScheduleCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Send jobs when they are due; of several replicas one is active, the others stand by.",
    discussion: """
      Writes \(Topics.ingestionTasks.name), or with --kind markets fetch-<kind>. The lease is the only partition of \
      \(Topics.schedulerLease.name) (\(Topics.marketSchedulerLease.name)): the member that the group gives it to is \
      active, and its progress lies beside the committed offset. --start-from says where a group that was never active \
      begins: a time, else now. A plan of market data that the budgets of its sources cannot pay for is refused.
      """,
    version: Souk.version)

  @OptionGroup(title: "Catalogue") package var catalogue: PlanOptions
  @OptionGroup(title: "Scheduling") package var scheduling: SchedulingOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics =
    SchedulerMetrics.descriptions + KafkaMetrics.consumer + KafkaMetrics.producer

  package func work(_ needs: Needs) -> Work {
    let (catalogue, scheduling, context) = (catalogue, scheduling, needs.context)
    var named = kafka
    named.groupId = kafka.groupId ?? catalogue.kind.group
    let kafka = named
    let plan = needs.add(.setting("catalogue", { try catalogue.affordable(at: WallClock.seconds()) }) {
      "\($0.subjects), \($0.plan.names.count) schedules"
    })
    needs.add(.setting("next", { try Self.next(of: plan.value.plan) }) { next in
      "\(try plan.value.plan.jobs(in: next..<(next + 1)).count) jobs at \(SchedulePlan.timestamp(next))"
    })
    let lease = catalogue.kind.lease.name
    let topics = [lease] + catalogue.kind.outputs.map(\.name)
    let clients = needs.kafka(ServiceCatalogue.scheduler.name, kafka, topics: topics)
    return clients.source("lease", "assignment") { producer in
      let plan = try plan.value.plan
      var settings = scheduling.settings
      if case .timestamp(let milliseconds) = kafka.startFrom { settings.start = milliseconds / 1_000 }
      let consumer = try clients.consumer(of: [lease]) {
        // Nothing is read, so nothing can be missing.
        $0.startFrom = .earliest
        $0.onGap = .continue
      }
      context.logger.info("scheduling", metadata: [
        "schedules": .stringConvertible(plan.names.count), "plan": "\(plan.digest)",
        "group": "\(consumer.configuration.groupID)",
      ])
      try await Scheduler(
        plan: plan, consumer: consumer, queue: JobQueue(producer: producer, service: clients.identity),
        settings: settings, metrics: SchedulerMetrics(catalogue.kind), context: context, now: WallClock.microseconds
      ).run()
    }
  }

  /// When something is due next, in seconds since 1970.
  /// - Throws: `Failure(.configuration)` for a catalogue of which nothing is ever due.
  private static func next(of plan: SchedulePlan) throws(Failure) -> Int64 {
    if let next = plan.next(after: WallClock.seconds()) { return next }
    throw Failure(
      .configuration, code: "nothing_due", "nothing is ever due: look at the schedules and sources")
  }
}
