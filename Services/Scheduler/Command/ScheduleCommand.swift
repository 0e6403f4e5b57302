import ArgumentParser
import Catalogue
import Core
import Kafka
import KafkaFlags
import Logging
import Messages
import Options
import Pipeline
import ServiceKit
import Values

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
struct ScheduleCommand: ServiceCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Send jobs when they are due; of several replicas one is active, the others stand by.",
    discussion: """
      Writes \(Topics.ingestionTasks.name), or with --kind markets fetch-<kind>. The lease is the only partition of \
      \(Topics.schedulerLease.name) (\(Topics.marketSchedulerLease.name)): the member that the group gives it to is \
      active, and its progress lies beside the committed offset. --start-from says where a group that was never active \
      begins: a time, else now. A plan of market data that the budgets of its sources cannot pay for is refused.
      """,
    version: Souk.version)

  @OptionGroup(title: "Catalogue") var catalogue: PlanOptions
  @OptionGroup(title: "Scheduling") var scheduling: SchedulingOptions
  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Service") var service: ServiceOptions

  static let metrics =
    SchedulerMetrics.descriptions + KafkaMetrics.consumer + KafkaMetrics.producer

  func work(_ needs: Needs) -> Work {
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

/// `scheduler plan`: what would be sent between two times. Asks no cluster.
struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Print the jobs of a span of time; sends nothing.",
    discussion: """
      --format json prints the messages themselves, one a line. Behind the table of a plan of market data is what it \
      costs each source. A plan that the budgets of its sources cannot pay for is refused with the arithmetic and what \
      would fit, exit code 78.
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument {
    case table, json
  }

  @OptionGroup(title: "Time") var span: TimeSpan
  @OptionGroup(title: "Catalogue") var catalogue: PlanOptions

  @Option(help: ArgumentHelp("Only these schedules; repeatable.", valueName: "name"))
  var schedule: [String] = []

  @Option(help: "How to print.") var format = Format.table

  func run() throws {
    let loaded = try catalogue.load()
    let plan = loaded.plan
    for name in schedule where !plan.names.contains(name) {
      throw Failure(
        .configuration, code: "schedule_unknown",
        "--schedule: '\(name)' is none of \(plan.names.joined(separator: ", "))")
    }
    var costs: [String] = []
    if let catalogue = loaded.catalogue {
      let cost = try PlanCost(catalogue, in: span.range)
      try cost.require()
      costs = cost.lines
    }
    var count = 0
    // Hour by hour, so that a year does not lie in memory.
    var start = span.range.lowerBound
    if format == .table { print(PlanTable.heading) }
    while start < span.range.upperBound {
      let end = min(start + 3_600, span.range.upperBound)
      for job in plan.jobs(in: start..<end) where schedule.isEmpty || schedule.contains(plan.name(of: job)) {
        let task = plan.task(of: job)
        switch format {
        case .json: print(String(decoding: task.encoded(), as: UTF8.self))
        case .table: print(PlanTable.line(task))
        }
        count += 1
      }
      start = end
    }
    guard format == .table else { return }
    print("\(count) jobs of \(plan.names.count) schedules, plan \(plan.digest)")
    for line in costs { print(line) }
  }
}

/// Lines of a table whose columns are wide enough for what is usual.
enum PlanTable {
  static let heading = row(["DUE", "SCHEDULE", "TASK", "SERIES", "SOURCE", "JOB"])

  static func line(_ task: PlannedTask) -> String {
    row([
      task.dueAt?.description ?? "", task.schedule ?? "", task.kind, task.subject,
      task.source ?? "-", task.jobID ?? "",
    ])
  }

  private static func row(_ cells: [String]) -> String {
    let widths = [20, 20, 12, 44, 14, 0]
    return zip(cells, widths).map { cell, width in
      cell + String(repeating: " ", count: max(0, width - cell.count))
    }.joined(separator: "  ")
  }
}

/// `scheduler replay`: sends the jobs of a span of time, at a speed, and ends.
struct ReplayCommand: ServiceCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Send the jobs of a span of time as fast as is wanted, then exit.",
    discussion: """
      The jobs are those that the service would have sent, with the same ids, but without deadlines. No lease is \
      taken, and the progress of the running scheduler is left alone.
      """,
    version: Souk.version)

  @OptionGroup(title: "Time") var span: TimeSpan

  @Option(help: ArgumentHelp(
    "Seconds of the span in one second: 3600 is an hour a second; 0: as fast as Kafka takes them.",
    valueName: "factor"))
  var speed: Double = 1

  @Flag(help: "Do not exit at the end; wait for the signal to stop.") var stay = false

  @OptionGroup(title: "Catalogue") var catalogue: PlanOptions
  @OptionGroup(title: "Scheduling") var scheduling: SchedulingOptions
  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Service") var service: ServiceOptions

  static let metrics = SchedulerMetrics.descriptions + KafkaMetrics.producer

  func validate() throws {
    guard speed >= 0, speed <= 1e9 else { throw ValidationError("--speed has to be from 0 to 1e9") }
  }

  func work(_ needs: Needs) -> Work {
    let (catalogue, scheduling, range, speed, stay, context) = (
      catalogue, scheduling, span.range, speed, stay, needs.context)
    let plan = needs.add(.setting("catalogue", { try catalogue.load().plan }) { "\($0.names.count) schedules" })
    let clients = needs.kafka(
      ServiceCatalogue.scheduler.name, kafka, topics: catalogue.kind.outputs.map(\.name), consumes: false)
    return clients.source { producer in
      let metrics = SchedulerMetrics(catalogue.kind)
      // No lease is needed here to be the one that sends.
      metrics.active(true)
      let sent = try await Replay(
        plan: try plan.value, queue: JobQueue(producer: producer, service: clients.identity), range: range,
        speed: speed, settings: scheduling.settings, metrics: metrics, context: context
      ).run()
      if stay, !context.drain.isRaised {
        context.health.liveness("scheduler", maxAge: .seconds(120)).idle()
        await context.drain.wait()
      }
      context.logger.notice("replay ended", metadata: ["jobs": .stringConvertible(sent)])
    }
  }
}
