import ArgumentParser
import Glibc
import HTTP
import Kafka
import Logging
import Runtime
import Schemas
import ServiceKit

/// `egx-producer backfill`: publishes the bars of a range of days.
package struct BackfillCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: "backfill",
    abstract: "Publish all bars from one day to another, then exit.",
    discussion: "With --progress, a run that was stopped goes on after the last symbol it finished.",
    version: Souk.version)

  @OptionGroup(title: "Backfill") package var range: BackfillOptions
  @OptionGroup(title: "Source") package var source: SourceOptions
  @OptionGroup(title: "Fetching") package var http: HTTPOptions
  @OptionGroup(title: "Target") package var target: KafkaTarget
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics = ProducerMetrics.descriptions + KafkaMetrics.producer

  package func check(_ report: CheckReport) async {
    let logger = Logger(label: "egx-producer") { _ in SwiftLogNoOpLogHandler() }
    let kafka = target.apply(to: kafka)
    let topic = target.topic
    do {
      _ = try range.days()
      report.ok("symbols", "\(try source.symbolList().count)")
    } catch {
      report.failed("settings", error)
    }
    await report.probe("kafka", limit: .seconds(20)) {
      try await kafka.check(
        clientID: ServiceCatalogue.egxProducer.name, topics: [topic], consumes: false, logger: logger)
    }
  }

  package func run(in context: ServiceContext) async throws {
    let clock = try ExchangeClock()
    guard case .replay = try source.location() else { return try await fill(clock, context) }
    throw Failure(.configuration, code: "bad_source", "a backfill reads csv:, not replay:")
  }

  private func fill(_ clock: ExchangeClock, _ context: ServiceContext) async throws {
    var settings = Backfill.Settings(
      symbols: try source.symbolList(), interval: source.interval, days: try range.days(), maxBars: source.maxBars)
    settings.rate = range.maxRate > 0 ? range.maxRate : nil
    settings.progressPath = range.progress
    let bars = try source.makeSource(
      clock: clock, http: http, live: false, drain: context.drain, now: WallClock.seconds)
    let ready = context.health.readiness("backfill")
    let isLetIn = try await target.apply(to: kafka).waitUntilLetIn(
      clientID: context.name, topics: [target.topic], consumes: false, drain: context.drain, logger: context.logger
    ) { ready.set(ready: $0 == nil, reason: $0 ?? "") }
    guard isLetIn else { return }
    let producer = try Producer(
      target.apply(to: kafka).producerConfiguration(clientID: context.name, logger: context.logger))
    let outlet = KafkaBarOutlet(
      producer: producer, topic: target.topic, producedBy: "\(ServiceCatalogue.egxProducer.name)/\(Souk.version)")
    var review = source.review
    review.republish = true
    let publisher = BarPublisher(
      review: BarReview(settings: review, clock: clock), outlet: outlet, metrics: ProducerMetrics(),
      drain: context.drain, logger: context.logger, now: LocalDateTime.now)
    let backfill = Backfill(
      source: bars, publisher: publisher, settings: settings, clock: clock, drain: context.drain,
      logger: context.logger)
    let bar = isatty(STDOUT_FILENO) == 1 ? ProgressBar() : nil
    let logger = context.logger
    ready.set(ready: true)
    let result: Result<Backfill.Outcome, any Error>
    do {
      result = .success(try await backfill.run { step in
        if let bar { bar.show(step) } else {
          logger.info("backfill", metadata: [
            "symbol": "\(step.symbol)", "done": "\(step.done)", "of": "\(step.total)", "bars": "\(step.published)",
          ])
        }
      })
    } catch {
      result = .failure(error)
    }
    await producer.close(within: context.drainTimeout)
    let outcome = try result.get()
    context.logger.notice("backfill ended", metadata: [
      "bars": "\(outcome.published)", "already_done": "\(outcome.skipped)", "failed": "\(outcome.failed.count)",
      "not_reaching_back": "\(outcome.short.joined(separator: ","))",
      "empty": "\(outcome.empty.joined(separator: ","))", "lost": "\(outcome.lost)",
    ])
    guard outcome.failed.isEmpty || context.drain.isRaised else {
      throw Failure(
        .fatal, code: "backfill_incomplete",
        "\(outcome.failed.count) symbols gave no bars: "
          + outcome.failed.keys.sorted().prefix(20).joined(separator: ", "))
    }
  }
}

/// The flags that are a backfill's own.
package struct BackfillOptions: ParsableArguments {
  @Option(help: ArgumentHelp("First day, in Cairo.", valueName: "2025-01-01"))
  package var from: String

  @Option(help: ArgumentHelp("Last day, in Cairo.", valueName: "2025-06-30"))
  package var to: String

  @Option(help: ArgumentHelp("File that remembers which symbols are done.", valueName: "path"))
  package var progress: String?

  @Option(help: ArgumentHelp("Most bars a second; 0: as fast as Kafka takes them.", valueName: "count"))
  package var maxRate = 0

  package init() {}

  package func validate() throws {
    if maxRate < 0 { throw ValidationError("--max-rate must be 0 or more") }
  }

  /// - Throws: `Failure(.configuration)`.
  package func days() throws(Failure) -> ClosedRange<Int64> {
    guard let first = CivilDate(from)?.daysSinceEpoch, let last = CivilDate(to)?.daysSinceEpoch, first <= last else {
      throw Failure(
        .configuration, code: "bad_range", "--from and --to have to be dates such as 2025-01-01, in their order")
    }
    return first...last
  }
}
