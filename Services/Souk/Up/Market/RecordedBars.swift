import Core
import Foundation
import Values

/// A folder of recorded bars, `<SYMBOL>.csv` each, read for what must arrive: the measure of a run.
struct RecordedBars: Hashable, Sendable {
  struct Series: Hashable, Sendable {
    /// Distinct times.
    var bars: Int
    /// The close of the last of them.
    var last: ExactDecimal
  }

  let folder: String
  var series: [String: Series] = [:]
  /// `Daily` when the first column is a date, else `1 Minute`.
  var interval = "1 Minute"
  /// From the first bar of all to the last, seconds.
  var span: Int64 = 0

  var bars: Int { series.values.reduce(0) { $0 + $1.bars } }

  /// Recording seconds in a second, so that it plays for some eight of them, and no faster than the embedded broker
  /// and its readers follow.
  var speed: Double { Double(max(span, 1)) / max(8, Double(bars) / 5_000) }

  /// - Throws: `Failure` of class configuration when there is no such folder, or no bar in it.
  init(folder path: String) throws(Failure) {
    folder = URL(fileURLWithPath: NSString(string: path).expandingTildeInPath).standardizedFileURL.path
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
      .filter { $0.hasSuffix(".csv") && !$0.hasPrefix(".") }
    var (first, last) = (Int64.max, Int64.min)
    for name in names.sorted() {
      let text = String(decoding: try readFile("\(folder)/\(name)", limit: 256 << 20), as: UTF8.self)
      guard let read = try Self.read(text, name: name) else { continue }
      series[String(name.dropLast(4))] = read.series
      if read.isDaily { interval = "Daily" }
      (first, last) = (min(first, read.first), max(last, read.last))
    }
    guard !series.isEmpty else {
      throw Failure(.configuration, code: "no_bars", "--bars: there is no <SYMBOL>.csv with a bar in \(path)")
    }
    span = last - first
  }

  /// - Returns: nil for a file without a bar; `first` and `last` in seconds since 1970, as if times were UTC.
  private static func read(
    _ text: String, name: String
  ) throws(Failure) -> (series: Series, isDaily: Bool, first: Int64, last: Int64)? {
    var lines = text.split(whereSeparator: \.isNewline)
    guard !lines.isEmpty else { return nil }
    let titles = lines.removeFirst().split(separator: ",", omittingEmptySubsequences: false).map { $0.lowercased() }
    guard let time = titles.firstIndex(where: { ["date", "datetime", "time", "timestamp"].contains($0) }),
      let open = titles.firstIndex(of: "open"), let high = titles.firstIndex(of: "high"),
      let low = titles.firstIndex(of: "low"), let close = titles.firstIndex(of: "close")
    else {
      throw Failure(
        .configuration, code: "no_bars", "--bars: the first line of \(name) names no date, open, high, low and close")
    }
    var closes: [Substring: Substring] = [:]
    for line in lines {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      guard [time, open, high, low, close].allSatisfy({ $0 < cells.count && !cells[$0].isEmpty }) else { continue }
      closes[cells[time]] = cells[close]
    }
    // Dates and times of one form sort as text.
    guard let first = closes.keys.min(), let last = closes.keys.max() else { return nil }
    guard let price = closes[last].flatMap({ ExactDecimal(String($0)) }),
      let begins = LocalDateTime(String(first)), let ends = LocalDateTime(String(last))
    else {
      throw Failure(.configuration, code: "no_bars", "--bars: \(name) holds what is neither a time nor a price")
    }
    return (
      Series(bars: closes.count, last: price), last.utf8.count == 10, begins.microseconds / 1_000_000,
      ends.microseconds / 1_000_000)
  }
}
