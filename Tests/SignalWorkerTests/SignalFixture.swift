import Catalogue
import Core
import Indicators
@testable import Kafka
import Logging
import Messages
import Pipeline
@testable import SignalWorkerService
import TestSupport
import Values

/// A sink whose output is memory, which may be killed.
final class SignalFixture: RestartableSink {
  let output: MemoryOutput
  let plan: SignalPlan
  private(set) var sink: SignalSink
  let windows: WindowPlan
  static let partition = TopicPartition(Topics.marketBars.name, 0)
  private let settings: SignalSink.Settings

  init(
    _ intervals: [String] = ["1m", "5m", "1h"], hours: NYSECalendar.Hours = .always, revisable: Int = 30,
    indicators: [String] = IndicatorSet.standard, rules: [String] = IndicatorSet.standardRules,
    settings: SignalSink.Settings = SignalSink.Settings(group: "group")
  ) throws {
    let plan = try SignalPlan(
      IndicatorSet(indicators, rules: rules), intervals: intervals.map { try BarInterval($0) }, hours: hours,
      calendar: NYSECalendar(), revisable: revisable)
    let windows = try WindowPlan(days: 10, rules: WindowPlan.standardRules, hours: hours, calendar: NYSECalendar())
    let output = MemoryOutput(of: TechnicalSignal.topic)
    (self.plan, self.windows, self.output, self.settings) = (plan, windows, output, settings)
    sink = Self.sink(plan, windows, settings, output)
  }

  private static func sink(
    _ plan: SignalPlan, _ windows: WindowPlan, _ settings: SignalSink.Settings, _ output: MemoryOutput
  ) -> SignalSink {
    SignalSink(
      plan, windows, settings, identity: ServiceIdentity(name: "signal-worker"), source: output, output: output,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  func crash() async throws {
    sink = Self.sink(plan, windows, settings, output)
    _ = try await sink.start(Set(SignalSink.inputs.map { TopicPartition($0.name, 0) }))
  }

  @discardableResult
  func append(_ bytes: [UInt8], of topic: Topic = Topics.marketBars) -> Disposition {
    sink.append(bytes.span.bytes, of: TopicPartition(topic.name, 0))
  }

  /// The code of the reason why a record is refused, or the reason why it is skipped; nil when it is kept.
  func reason(_ bytes: [UInt8], of topic: Topic = Topics.marketBars) -> String? {
    switch append(bytes, of: topic) {
    case .keep: nil
    case .skip(let reason): reason
    case .reject(let rejection): rejection.code
    }
  }

  func flush(to offset: Int) async throws { _ = try await sink.flush(to: [Self.partition: Int64(offset)]) }
}

extension MemoryOutput {
  var signals: [TechnicalSignal] {
    get throws { try published.map { try TechnicalSignal(decoding: $0) } }
  }
  /// The last record of each id.
  var last: [String: [UInt8]] {
    get throws { Dictionary(try signals.map { ($0.id, $0.encoded()) }) { $1 } }
  }
}

enum Minutes {
  /// Monday, 1 December 2025, 9:30 in New York.
  static let open: Int64 = 1_764_599_400

  static func bar(
    _ symbol: String, _ minute: Int, high: Double, low: Double, close: Double, volume: Double,
    feed: String = "alpaca-stocks", interval: String = "1m", knownAfter: Int64 = 60_000_000_000
  ) -> [UInt8] {
    let start = (open + Int64(minute) * 60) * 1_000_000_000
    func decimal(_ value: Double) -> ExactDecimal { ExactDecimal(approximating: "\(value)") ?? .zero }
    var values = FeedBarValues(
      startNs: start, knownNs: start + knownAfter, open: decimal(close), high: decimal(high), low: decimal(low),
      close: decimal(close), volume: decimal(volume))
    values.revision = knownAfter == 60_000_000_000 ? 0 : 1
    return FeedBar(symbol: symbol, feed: feed, interval: interval, values: values).encoded()
  }

  static func bar(_ symbol: String, _ minute: Int, _ bar: TALib.Bar) -> [UInt8] {
    Self.bar(symbol, minute, high: bar.high, low: bar.low, close: bar.close, volume: bar.volume)
  }
}

extension TALib {
  /// The names whose value differs from the truth at a bar. Sessions are not those of the truth.
  func differences(_ signal: TechnicalSignal, at index: Int) -> [String] {
    zip(names, bars[index].values).filter { name, truth in
      IndicatorSet.standardNames.contains(name) && name != "session_vwap"
        && !TALib.agree(signal.values[name] ?? .nan, truth, price: bars[index].close)
    }.map(\.0)
  }
}

extension IndicatorSet {
  static let standardNames: Set<String> = Set((try? IndicatorSet(standard, rules: []).outputs) ?? [])
}
