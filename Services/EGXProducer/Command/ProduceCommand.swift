import ArgumentParser
import Catalogue
import Core
import HTTPFlags
import Kafka
import KafkaFlags
import Logging
import Pipeline
import ServiceKit
import Values

/// `egx-producer`: without a subcommand, publishes what is new; `egx-producer backfill` what was.
package struct EGXProducerProgram: ServiceProgram {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.egxProducer.name,
    abstract: "Publishes new and changed bars of the Egyptian Exchange.",
    version: Souk.version, subcommands: [ProduceCommand.self, BackfillCommand.self],
    defaultSubcommand: ProduceCommand.self)

  package init() {}
}

/// `egx-producer produce`: publishes what is new.
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

  package static let metrics = ProducerMetrics.descriptions + KafkaMetrics.producer

  package func work(_ needs: Needs) -> Work {
    let (source, polling, http, context, topic) = (source, polling, http, needs.context, target.topic)
    let plan = needs.add(.setting("symbols", makePlan) { "\($0.symbols.count), first \($0.symbols[0])" })
    let state = polling.barState(source)
    let memories = state.map { state in
      needs.add(.setting("state", { try state.load(capacity: polling.memory) }) { _ in state.path })
    }
    let bars = needs.add(Need(
      "source", limit: .seconds(60),
      open: {
        try source.makeSource(
          clock: plan.value.clock, http: http, live: polling.live, drain: context.drain, now: WallClock.seconds)
      },
      check: { _ in try await Self.probe(source, http, plan.value) }))
    let clients = needs.kafka(
      ServiceCatalogue.egxProducer.name, target.apply(to: kafka), topics: [topic], consumes: false)
    return clients.source("source") { producer in
      let (plan, bars) = (try plan.value, try bars.value)
      let settings = BarProducer.Settings(
        symbols: plan.symbols, interval: source.interval, count: polling.nBars,
        pollInterval: polling.pollInterval.duration, once: polling.once, staysAtEnd: polling.stay,
        calendar: plan.calendar)
      let metrics = ProducerMetrics()
      var review = source.review
      review.republish = polling.republish
      let ready = context.health.readiness("kafka")
      let publisher = BarPublisher(
        review: BarReview(settings: review, clock: plan.clock),
        topic: KafkaBarTopic(producer: producer, name: topic, identity: clients.identity),
        settings: BarPublisher.Settings(memory: polling.memory), metrics: metrics, series: try memories?.value ?? [:],
        drain: context.drain, logger: context.logger, ready: { ready.set(ready: $0, reason: $1) },
        now: LocalDateTime.now)
      context.logger.info("producing", metadata: [
        "source": "\(bars.label)", "symbols": "\(plan.symbols.count)", "interval": "\(source.interval.rawValue)",
        "topic": "\(topic)",
      ])
      try await BarProducer(
        source: bars, publisher: publisher, state: state, settings: settings, metrics: metrics, context: context,
        now: WallClock.seconds
      ).run()
    }
  }

  private struct Plan: Sendable {
    var symbols: [String]
    var clock: ExchangeClock
    /// Nil: at all hours.
    var calendar: TradingCalendar?
  }

  /// - Throws: `Failure(.configuration)`, also for settings that contradict each other.
  private func makePlan() throws -> Plan {
    let (location, clock) = (try source.location(), try ExchangeClock())
    // TradingView would be asked for --max-bars of them, and nothing would say so; files have no such limit.
    if case .tradingView = location, polling.nBars > source.maxBars {
      throw Failure(
        .configuration, code: "too_many_bars",
        "--n-bars \(polling.nBars) is more than --max-bars \(source.maxBars), the most that are asked for of one "
          + "symbol: raise --max-bars to \(polling.nBars) or lower --n-bars")
    }
    let calendar = try polling.calendar(clock)
    let isReplay = if case .replay = location { true } else { false }
    return Plan(symbols: try source.symbolList(), clock: clock, calendar: isReplay ? nil : calendar)
  }

  /// Asks for one bar.
  private static func probe(_ options: SourceOptions, _ http: HTTPOptions, _ plan: Plan) async throws -> String {
    let symbol = plan.symbols[0]
    if case .replay(let path) = try options.location() {
      var bars = try options.folder(path).bars(of: symbol)
      guard try bars.next() != nil else { throw SourceError(.unreadable, "no bar of \(symbol)") }
      return "recording of \(symbol) readable"
    }
    let source = try options.makeSource(
      clock: plan.clock, http: http, live: false, drain: Interruption(), now: WallClock.seconds)
    let request = BarRequest(symbol: symbol, interval: options.interval, count: 1)
    try await source.fetch([request]) { _, answer in
      guard try !answer.get().bars.isEmpty else { throw SourceError(.unreadable, "no bar of \(symbol)") }
    }
    return "\(source.label) gives bars of \(symbol)"
  }
}
