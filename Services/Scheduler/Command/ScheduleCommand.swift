import ArgumentParser
import Kafka
import Logging
import Markets
import Pipeline
import Runtime
import Schemas
import ServiceKit

/// `scheduler`: sends what is due, while it is the active one.
package struct ScheduleCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Send jobs when they are due; of several replicas one is active, the others stand by.",
    discussion: """
      Writes \(Topics.ingestionTasks.name). The lease is the only partition of \(Topics.schedulerLease.name): whoever \
      the group gives it to is active, and its progress lies beside the committed offset. --start-from says where a \
      group that was never active begins: a time, else now.
      """,
    version: Souk.version)

  @OptionGroup(title: "Catalogue") package var markets: MarketOptions
  @OptionGroup(title: "Scheduling") package var scheduling: SchedulingOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics =
    SchedulerMetrics.descriptions + KafkaMetrics.consumer + KafkaMetrics.producer

  package func check(_ report: CheckReport) async {
    let logger = Logger(label: "scheduler") { _ in SwiftLogNoOpLogHandler() }
    do {
      let catalogue = try markets.load()
      let plan = try SchedulePlan(catalogue)
      report.ok("catalogue", "\(catalogue.series.count) series, \(plan.schedules.count) schedules")
      let next = try Self.next(of: plan)
      report.ok("next", "\(plan.jobs(in: next..<(next + 1)).count) jobs at \(SchedulePlan.timestamp(next))")
    } catch {
      report.failed("catalogue", error)
    }
    let kafka = kafka
    await report.probe("kafka", limit: .seconds(20)) {
      try await kafka.check(
        clientID: ServiceCatalogue.scheduler.name, topics: [Topics.ingestionTasks.name, Topics.schedulerLease.name],
        logger: logger)
    }
  }

  /// When something is due next, in seconds since 1970.
  /// - Throws: `Failure(.configuration)` for a catalogue of which nothing is ever due.
  private static func next(of plan: SchedulePlan) throws(Failure) -> Int64 {
    if let next = plan.next(after: WallClock.seconds()) { return next }
    throw Failure(
      .configuration, code: "nothing_due", "nothing in --catalogue is ever due: look at its schedules and sources")
  }

  package func run(in context: ServiceContext) async throws {
    let plan = try SchedulePlan(try markets.load())
    _ = try Self.next(of: plan)
    var settings = scheduling.settings
    if case .timestamp(let milliseconds) = kafka.startFrom { settings.start = milliseconds / 1_000 }
    var configuration = try kafka.consumerConfiguration(
      clientID: context.name, topics: [Topics.schedulerLease.name],
      drainDeadline: min(.seconds(20), context.drainTimeout * 0.7), logger: context.logger)
    // Nothing is read, so nothing can be missing.
    configuration.startFrom = .earliest
    configuration.onGap = .continue
    let ready = context.health.readiness("kafka")
    let isLetIn = try await kafka.waitUntilLetIn(
      clientID: context.name, topics: [Topics.schedulerLease.name, Topics.ingestionTasks.name], drain: context.drain,
      logger: context.logger
    ) { ready.set(ready: $0 == nil, reason: $0 ?? "") }
    guard isLetIn else { return }
    configuration.onAccessProblem = { ready.set(ready: $0 == nil, reason: $0?.refusal?.advice ?? $0?.name ?? "") }
    let consumer = try Consumer(configuration)
    let producer = try Producer(kafka.producerConfiguration(clientID: context.name, logger: context.logger))
    context.logger.info("scheduling", metadata: [
      "schedules": "\(plan.schedules.count)", "plan": "\(plan.digest)", "group": "\(configuration.groupID)",
    ])
    let outcome: Result<Void, any Error>
    do {
      try await Scheduler(
        plan: plan, consumer: consumer,
        outlet: KafkaJobOutlet(producer: producer, service: ServiceIdentity(name: context.name)), settings: settings,
        metrics: SchedulerMetrics(), context: context, now: WallClock.microseconds
      ).run()
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    await producer.close(within: context.drainTimeout)
    try outcome.get()
  }
}
