import ArgumentParser
import HTTP
import Kafka
import Logging
import Runtime
import Schemas
import ServiceKit

/// `egx-producer`: publishes what is new.
package struct ProduceCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: "produce",
    abstract: "Publish new and changed bars, poll by poll or as they come.",
    discussion: "Writes \(Topics.marketData.name), key and order by symbol.", version: Souk.version)

  @OptionGroup(title: "Source") package var source: SourceOptions
  @OptionGroup(title: "Polling") package var polling: PollOptions
  @OptionGroup(title: "Fetching") package var http: HTTPOptions
  @OptionGroup(title: "Target") package var target: KafkaTarget
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  /// - Throws: `Failure(.configuration)` for settings that contradict each other.
  private func verify() throws(Failure) {
    // TradingView would be asked for --max-bars of them, and nothing would say so; files have no such limit.
    if case .tradingView = try source.location(), polling.nBars > source.maxBars {
      throw Failure(
        .configuration, code: "too_many_bars",
        "--n-bars \(polling.nBars) is more than --max-bars \(source.maxBars), the most that are asked for of one "
          + "symbol: raise --max-bars to \(polling.nBars) or lower --n-bars")
    }
  }

  package static let metrics = ProducerMetrics.descriptions + KafkaMetrics.producer

  package func check(_ report: CheckReport) async {
    let logger = Logger(label: "egx-producer") { _ in SwiftLogNoOpLogHandler() }
    let (source, polling, http, target) = (source, polling, http, target)
    let kafka = target.apply(to: kafka)
    var symbols: [String] = []
    do {
      try verify()
      symbols = try source.symbolList()
      report.ok("symbols", "\(symbols.count), first \(symbols[0])")
      if let state = polling.barState(source) {
        _ = try state.load(capacity: polling.memory)
        report.ok("state", state.path)
      }
      _ = try polling.calendar(try ExchangeClock())
    } catch {
      report.failed("settings", error)
    }
    if let symbol = symbols.first {
      await report.probe("source", limit: .seconds(60)) {
        try await Self.probe(source, http, symbol)
      }
    }
    await report.probe("kafka", limit: .seconds(20)) {
      try await kafka.check(
        clientID: ServiceCatalogue.egxProducer.name, topics: [target.topic], consumes: false, logger: logger)
    }
  }

  /// Asks for one bar.
  private static func probe(_ options: SourceOptions, _ http: HTTPOptions, _ symbol: String) async throws -> String {
    if case .replay(let path) = try options.location() {
      var bars = try options.folder(path).bars(of: symbol)
      guard try bars.next() != nil else { throw SourceError(.unreadable, "no bar of \(symbol)") }
      return "recording of \(symbol) readable"
    }
    let source = try options.makeSource(
      clock: try ExchangeClock(), http: http, live: false, drain: Interruption(), now: WallClock.seconds)
    let request = BarRequest(symbol: symbol, interval: options.interval, count: 1)
    try await source.fetch([request]) { _, answer in
      guard try !answer.get().bars.isEmpty else { throw SourceError(.unreadable, "no bar of \(symbol)") }
    }
    return "\(source.label) gives bars of \(symbol)"
  }

  package func run(in context: ServiceContext) async throws {
    try verify()
    let clock = try ExchangeClock()
    let symbols = try source.symbolList()
    let bars = try source.makeSource(
      clock: clock, http: http, live: polling.live, drain: context.drain, now: WallClock.seconds)
    let state = polling.barState(source)
    let memories = try state?.load(capacity: polling.memory) ?? [:]
    var settings = BarProducer.Settings(symbols: symbols, interval: source.interval, count: polling.nBars)
    settings.pollInterval = polling.pollInterval.duration
    settings.once = polling.once
    settings.staysAtEnd = polling.stay
    if case .replay = try source.location() {} else { settings.calendar = try polling.calendar(clock) }
    let metrics = ProducerMetrics()
    var review = source.review
    review.republish = polling.republish
    let ready = context.health.readiness("kafka")
    let isLetIn = try await target.apply(to: kafka).waitUntilLetIn(
      clientID: context.name, topics: [target.topic], consumes: false, drain: context.drain, logger: context.logger
    ) { ready.set(ready: $0 == nil, reason: $0 ?? "") }
    guard isLetIn else { return }
    let producer = try Producer(
      target.apply(to: kafka).producerConfiguration(clientID: context.name, logger: context.logger))
    let outlet = KafkaBarOutlet(
      producer: producer, topic: target.topic, producedBy: "\(ServiceCatalogue.egxProducer.name)/\(Souk.version)")
    var publishing = BarPublisher.Settings()
    publishing.memory = polling.memory
    ready.set(ready: true)
    let publisher = BarPublisher(
      review: BarReview(settings: review, clock: clock), outlet: outlet, settings: publishing, metrics: metrics,
      series: memories, drain: context.drain, logger: context.logger,
      ready: { ready.set(ready: $0, reason: $1) }, now: LocalDateTime.now)
    context.logger.info("producing", metadata: [
      "source": "\(bars.label)", "symbols": "\(symbols.count)", "interval": "\(source.interval.rawValue)",
      "topic": "\(target.topic)",
    ])
    let outcome: Result<Void, any Error>
    do {
      try await BarProducer(
        source: bars, publisher: publisher, state: state, settings: settings, metrics: metrics, context: context,
        now: WallClock.seconds
      ).run()
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    await producer.close(within: context.drainTimeout)
    // What Kafka did not take before the end of a drain is asked for again by the next process.
    if context.drain.isRaised, case .failure(let error) = outcome, ErrorClass(of: error) == .transient {
      context.logger.warning("not everything was acknowledged", metadata: ["error": "\(error)"])
      return
    }
    try outcome.get()
  }
}
