import Catalogue
import Core
import Features
import Messages
import Pipeline
import Redis
import Values

/// The features of one interval of a symbol.
struct FeatureName: Hashable, Sendable {
  var symbol: Int
  /// `1m`.
  var interval: String

  /// The field of the hash that holds the begin of the last bar.
  var startField: [UInt8] { Array("\(interval):start_ns".utf8) }
}

/// The values of an interval's last bar in a flush.
struct Features: Sendable {
  var startNs: Int64
  /// Names and values of the hash, as words of a pipeline.
  var words: [UInt8]
  var count: Int
}

extension RecordReader {
  /// A record of `technical-signals`: samples of the values that have series, and all values as features.
  mutating func append(
    signal bytes: RawSpan, at offset: Int64, to buffer: inout PartitionBuffer
  ) throws(DecodingFailure) -> Disposition {
    let signal = try TechnicalSignal(decoding: bytes)
    guard checks.isWanted(signal.feed.utf8Span.span.bytes) else { return .skip(reason: "other feed") }
    if let refusal = checks.refusal(symbol: signal.symbol.utf8Span.span.bytes, stamp: signal.startNs) {
      return .reject(refusal)
    }
    guard (1...16).contains(signal.interval.utf8.count) else {
      return .reject(Rejection(code: "bad_value", stage: "decode", "'interval' is not like 1m, or flow-1h"))
    }
    guard let symbol = table.symbol(signal.symbol.utf8Span.span.bytes, most: limits.symbols) else {
      return .reject(checks.tooMany)
    }
    let interval = table.interval(signal.interval.utf8Span.span.bytes)
    for (name, number) in zip(signal.values.names, signal.values.numbers) {
      guard let series = table.signal(name, of: symbol, interval: interval) else { continue }
      guard let value = Self.decimal(number) else {
        return .reject(Rejection(code: "bad_value", stage: "decode", "'\(name)' is \(number), which no series holds"))
      }
      add(value, to: series, signal.startNs / 1_000_000, offset, &buffer)
    }
    for name in table.signalNames(of: signal.interval) where !signal.values.names.contains(name) {
      guard let series = table.signal(name, of: symbol, interval: interval) else { continue }
      let gone = Sample(
        series: Int32(series), isGone: true, scale: 0, mantissa: 0, stamp: signal.startNs / 1_000_000, offset: offset)
      add(gone, to: series, &buffer)
    }
    note(signal, symbol, &buffer)
    if let length = FeatureEngine.length(of: signal.interval), let row = features.take(
      signals: Dictionary(zip(signal.values.names, signal.values.numbers)) { $1 }, symbol: signal.symbol,
      interval: signal.interval, eventNs: signal.startNs + Int64(length / .nanoseconds(1)), knownNs: signal.knownNs) {
      buffer.rows.removeAll { $0.symbol == row.symbol && $0.group == row.group && $0.eventNs <= row.eventNs }
      if !buffer.rows.contains(where: { $0.symbol == row.symbol && $0.group == row.group }) { buffer.rows.append(row) }
    }
    return .keep
  }

  /// Of the signals of a flush the last bar's counts, of one bar the last record.
  private func note(_ signal: TechnicalSignal, _ symbol: Int, _ buffer: inout PartitionBuffer) {
    let name = FeatureName(symbol: symbol, interval: signal.interval)
    guard (buffer.features[name]?.startNs ?? .min) <= signal.startNs else { return }
    var words = RedisPipeline()
    func add(_ field: String, _ value: String) {
      words.word(Array("\(signal.interval):\(field)".utf8))
      words.word(Array(value.utf8))
    }
    for (name, number) in zip(signal.values.names, signal.values.numbers) { add(name, "\(number)") }
    add("events", signal.events.map(\.rule).joined(separator: ","))
    let known = buffer.features[name]?.words.count ?? -100
    buffer.wordBytes += words.bytes.count - known
    buffer.features[name] = Features(
      startNs: signal.startNs, words: words.bytes, count: 2 * (signal.values.names.count + 1))
  }

  /// The digits of a number, or as many of them as a decimal has.
  private static func decimal(_ number: Double) -> ExactDecimal? {
    if let exact = ExactDecimal(approximating: "\(number)") { return exact }
    guard abs(number) < 100 else { return nil }
    return ExactDecimal(mantissa: Int64((number * 1e15).rounded()), scale: 15)
  }
}

extension HotWriter {
  /// `feat:{AAPL}`: a hash of a symbol, whose fields of an interval are those of its last bar.
  func append(features buffers: [Waiting], _ table: SeriesTable, to draft: inout Draft) {
    for (_, buffer) in buffers {
      for (name, value) in buffer.features {
        draft.run(.features, words: 3 + value.count)
        draft.pipeline.word(Array("feat:{".utf8) + table.symbols.texts[name.symbol] + [UInt8(ascii: "}")])
        draft.pipeline.word(name.startField)
        draft.pipeline.number(value.startNs)
        draft.pipeline.framed(value.words)
      }
    }
  }
}
