import ArgumentParser
import Kafka
import Logging
import Markets
import Pipeline
import Runtime
import Schemas
import ServiceKit

/// `scheduler replay`: sends the jobs of a span of time, at a speed, and ends.
package struct ReplayCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Send the jobs of a span of time as fast as is wanted, then exit.",
    discussion: """
      The jobs are those that the service would have sent, with the same ids, but without deadlines. No lease is \
      taken, and the progress of the running scheduler is left alone.
      """,
    version: Souk.version)

  @OptionGroup(title: "Time") package var span: TimeSpan

  @Option(help: ArgumentHelp(
    "Seconds of the span in one second: 3600 is an hour a second; 0: as fast as Kafka takes them.",
    valueName: "factor"))
  package var speed: Double = 1

  @Flag(help: "Do not exit at the end; wait for the signal to stop.") package var stay = false

  @OptionGroup(title: "Catalogue") package var markets: MarketOptions
  @OptionGroup(title: "Scheduling") package var scheduling: SchedulingOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics = SchedulerMetrics.descriptions + KafkaMetrics.producer

  package func validate() throws {
    guard speed >= 0, speed <= 1e9 else { throw ValidationError("--speed has to be from 0 to 1e9") }
  }

  package func check(_ report: CheckReport) async {
    let logger = Logger(label: "scheduler") { _ in SwiftLogNoOpLogHandler() }
    do {
      let plan = try SchedulePlan(try markets.load())
      report.ok("catalogue", "\(plan.schedules.count) schedules")
    } catch {
      report.failed("catalogue", error)
    }
    let kafka = kafka
    await report.probe("kafka", limit: .seconds(20)) {
      try await kafka.check(
        clientID: ServiceCatalogue.scheduler.name, topics: [Topics.ingestionTasks.name], consumes: false,
        logger: logger)
    }
  }

  package func run(in context: ServiceContext) async throws {
    let plan = try SchedulePlan(try markets.load())
    let ready = context.health.readiness("kafka")
    let isLetIn = try await kafka.waitUntilLetIn(
      clientID: context.name, topics: [Topics.ingestionTasks.name], consumes: false, drain: context.drain,
      logger: context.logger
    ) { ready.set(ready: $0 == nil, reason: $0 ?? "") }
    guard isLetIn else { return }
    let producer = try Producer(kafka.producerConfiguration(clientID: context.name, logger: context.logger))
    let metrics = SchedulerMetrics()
    // No lease is needed here to be the one that sends.
    metrics.active(true)
    let replay = Replay(
      plan: plan, outlet: KafkaJobOutlet(producer: producer, service: ServiceIdentity(name: context.name)),
      range: span.range, speed: speed, settings: scheduling.settings, metrics: metrics, context: context)
    let outcome: Result<Int, any Error>
    do {
      let sent = try await replay.run()
      if stay, !context.drain.isRaised {
        context.health.liveness("scheduler", maxAge: .seconds(120)).idle()
        await context.drain.wait()
      }
      outcome = .success(sent)
    } catch {
      outcome = .failure(error)
    }
    await producer.close(within: context.drainTimeout)
    let sent = try outcome.get()
    context.logger.notice("replay ended", metadata: ["jobs": "\(sent)"])
  }
}
