import Core
import Redis

/// What the hot store will take of the server's memory, from the settings: an estimate that is made before the data is
/// there.
///
/// A compressed sample takes about 8 bytes (100 series of 3,000 ticks with irregular times and prices of two decimals:
/// 7.93, Redis 7.4.1 with RedisTimeSeries 1.12.2); a series its first chunk of 4,096 bytes and about 700 more for its
/// key, labels and their index.
package struct MemoryBudget: Sendable {
  package var policy: SeriesPolicy
  /// Symbols that are expected.
  package var symbols: Int
  /// Trades and quotes of one symbol in a second of a session, on average.
  package var ticksPerSecond: Double
  /// Intervals that are expected, in seconds, by their names.
  package var intervals: [String: Double] = ["1m": 60]
  /// Entries of the tail.
  package var tail: Int
  /// Passages with vectors that are expected.
  package var passages = 0

  static let sampleBytes = 8.0
  static let seriesBytes = 4_096.0 + 700
  /// Bytes of an entry of the tail, a record as JSON.
  static let entryBytes = 300.0
  /// Bytes of a passage of about 1,000 characters with 384 components: its hash, the graph of vectors and the words
  /// (`souk-bench knn`).
  static let passageBytes = 8_000.0

  private var texts: Double { Double(tail) * Self.entryBytes + Double(passages) * Self.passageBytes }

  /// Bytes for all expected symbols.
  package var bytes: Double {
    let ticks = samples(in: policy.tickRetention, every: 1 / max(ticksPerSecond, 1e-9))
    var symbol = Double(policy.tickFields.count) * Self.bytes(ofSeriesWith: ticks)
    for (name, seconds) in intervals {
      let bars = samples(in: policy.retention(ofBars: name), every: seconds)
      symbol += Double(policy.barFields.count + policy.signalFields.count) * Self.bytes(ofSeriesWith: bars)
    }
    return Double(symbols) * symbol + texts
  }

  /// Bytes when the series that exist are full.
  func bytes(of series: [Series]) -> Double {
    series.reduce(texts) { sum, series in
      guard series.isReady else { return sum }
      let isTick = series.labels.contains("tick")
      let interval = isTick ? 1 / max(ticksPerSecond, 1e-9) : Self.seconds(series.labels.last ?? "")
      return sum + Self.bytes(ofSeriesWith: samples(in: .milliseconds(series.retention), every: interval))
    }
  }

  private static func bytes(ofSeriesWith samples: Double) -> Double { samples * sampleBytes + seriesBytes }

  /// A session of 16 hours (with the hours before and after) on five days of the week; a daily bar on each of those.
  private func samples(in retention: Duration, every seconds: Double) -> Double {
    let all = retention / .seconds(1)
    if seconds >= 86_400 { return all / 86_400 * 5 / 7 }
    let session = min(all, 16 * 3_600)
    return (session + max(0, all - 86_400) * (16.0 / 24) * (5.0 / 7)) / seconds
  }

  /// `1s`, `5m`, `1h`, `1d` in seconds; a minute for what is not of this form.
  static func seconds(_ interval: String) -> Double {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    guard let unit = interval.last.flatMap({ units[$0] }), let number = Double(interval.dropLast()), number > 0 else {
      return 60
    }
    return number * unit
  }

  /// For people: `100 symbols and 5000 passages need about 812 MiB`.
  package var text: String { "\(symbols) symbols and \(passages) passages need about \(Self.mebibytes(bytes))" }

  static func mebibytes(_ bytes: Double) -> String { "\(Int((bytes / 1_048_576).rounded(.up))) MiB" }
}
