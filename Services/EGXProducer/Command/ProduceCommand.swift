import ArgumentParser
import Catalogue
import Core
import Glibc
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
struct ProduceCommand: ServiceCommand {
  static let configuration = CommandConfiguration(
    commandName: "produce",
    abstract: "Publish new and changed bars, poll by poll or as they come.",
    discussion: "Writes \(Topics.marketData.name), key and order by symbol.", version: Souk.version)

  @OptionGroup(title: "Source") var source: SourceOptions
  @OptionGroup(title: "Polling") var polling: PollOptions
  @OptionGroup(title: "Fetching") var http: HTTPOptions
  @OptionGroup(title: "Target") var target: KafkaTarget
  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Service") var service: ServiceOptions

  static let metrics = ProducerMetrics.descriptions + KafkaMetrics.producer

  func work(_ needs: Needs) -> Work {
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

/// `egx-producer backfill`: publishes the bars of a range of days.
struct BackfillCommand: ServiceCommand {
  static let configuration = CommandConfiguration(
    commandName: "backfill",
    abstract: "Publish all bars from one day to another, then exit.",
    discussion: "With --progress, a run that was stopped goes on after the last symbol it finished.",
    version: Souk.version)

  @OptionGroup(title: "Backfill") var range: BackfillOptions
  @OptionGroup(title: "Source") var source: SourceOptions
  @OptionGroup(title: "Fetching") var http: HTTPOptions
  @OptionGroup(title: "Target") var target: KafkaTarget
  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Service") var service: ServiceOptions

  static let metrics = ProducerMetrics.descriptions + KafkaMetrics.producer

  func work(_ needs: Needs) -> Work {
    let (source, range, http, context, topic) = (source, range, http, needs.context, target.topic)
    let plan = needs.add(.setting("symbols", {
      if case .replay = try source.location() {
        throw Failure(.configuration, code: "bad_source", "a backfill reads csv:, not replay:")
      }
      return (days: try range.days(), symbols: try source.symbolList(), clock: try ExchangeClock())
    }) { "\($0.symbols.count)" })
    let bars = needs.add(Need("source", open: {
      try source.makeSource(
        clock: plan.value.clock, http: http, live: false, drain: context.drain, now: WallClock.seconds)
    }))
    let clients = needs.kafka(
      ServiceCatalogue.egxProducer.name, target.apply(to: kafka), topics: [topic], consumes: false,
      condition: "backfill")
    return clients.source { producer in
      let (days, symbols, clock) = try plan.value
      let settings = Backfill.Settings(
        symbols: symbols, interval: source.interval, days: days, maxBars: source.maxBars,
        rate: range.maxRate > 0 ? range.maxRate : nil, progressPath: range.progress)
      var review = source.review
      review.republish = true
      let publisher = BarPublisher(
        review: BarReview(settings: review, clock: clock),
        topic: KafkaBarTopic(producer: producer, name: topic, identity: clients.identity),
        metrics: ProducerMetrics(), drain: context.drain, logger: context.logger, now: LocalDateTime.now)
      let backfill = Backfill(
        source: try bars.value, publisher: publisher, settings: settings, clock: clock, drain: context.drain,
        logger: context.logger)
      try Self.conclude(try await backfill.run(step: Self.progress(context.logger)), context)
    }
  }

  /// A bar for a person who watches, else lines of the log.
  private static func progress(_ logger: Logger) -> @Sendable (Backfill.Step) -> Void {
    let bar = isatty(STDOUT_FILENO) == 1 ? ProgressBar() : nil
    return { step in
      if let bar { return bar.show(step) }
      logger.info("backfill", metadata: [
        "symbol": "\(step.symbol)", "done": "\(step.done)", "of": "\(step.total)",
        "bars": .stringConvertible(step.published),
      ])
    }
  }

  private static func conclude(_ outcome: Backfill.Outcome, _ context: ServiceContext) throws(Failure) {
    context.logger.notice("backfill ended", metadata: [
      "bars": .stringConvertible(outcome.published), "already_done": .stringConvertible(outcome.skipped),
      "failed": .stringConvertible(outcome.failed.count),
      "not_reaching_back": "\(outcome.short.joined(separator: ","))",
      "empty": "\(outcome.empty.joined(separator: ","))", "lost": .stringConvertible(outcome.lost),
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
struct BackfillOptions: ParsableArguments {
  @Option(help: ArgumentHelp("First day, in Cairo.", valueName: "2025-01-01"))
  var from: String

  @Option(help: ArgumentHelp("Last day, in Cairo.", valueName: "2025-06-30"))
  var to: String

  @Option(help: ArgumentHelp("File that remembers which symbols are done.", valueName: "path"))
  var progress: String?

  @Option(help: ArgumentHelp("Most bars a second; 0: as fast as Kafka takes them.", valueName: "count"))
  var maxRate = 0

  func validate() throws {
    if maxRate < 0 { throw ValidationError("--max-rate must be 0 or more") }
  }

  /// - Throws: `Failure(.configuration)`.
  func days() throws(Failure) -> ClosedRange<Int64> {
    guard let first = CivilDate(from)?.daysSinceEpoch, let last = CivilDate(to)?.daysSinceEpoch, first <= last else {
      throw Failure(
        .configuration, code: "bad_range", "--from and --to have to be dates such as 2025-01-01, in their order")
    }
    return first...last
  }
}

/// The progress of a backfill in one line of a terminal. Pure except `show`.
package struct ProgressBar: Sendable {
  package let width: Int
  private let start = ContinuousClock.now

  package init(width: Int = 30) { self.width = max(1, width) }

  /// `[#####-----]  50 %  COMI  15/30  3400 bars  00:12 left`
  package func line(_ step: Backfill.Step, elapsed: Duration) -> String {
    let share = step.total > 0 ? Double(step.done) / Double(step.total) : 1
    let filled = min(width, Int(share * Double(width)))
    let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
    let seconds = elapsed / .seconds(1)
    let left = share > 0 ? Int((seconds / share - seconds).rounded()) : 0
    let percent = String(Int(share * 100))
    return "[\(bar)] \(String(repeating: " ", count: max(0, 3 - percent.count)))\(percent) %  \(step.symbol)  "
      + "\(step.done)/\(step.total)  \(step.published) bars  \(Self.clock(left)) left"
  }

  package func show(_ step: Backfill.Step) {
    // Returns to the first column and clears the rest of a longer line.
    let text = "\r" + line(step, elapsed: .now - start) + "\u{1b}[K" + (step.done == step.total ? "\n" : "")
    _ = Array(text.utf8).withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
  }

  static func clock(_ seconds: Int) -> String {
    let text = "\(zeroPadded(seconds / 60 % 60, 2)):\(zeroPadded(seconds % 60, 2))"
    return seconds >= 3_600 ? "\(seconds / 3_600):\(text)" : text
  }
}
