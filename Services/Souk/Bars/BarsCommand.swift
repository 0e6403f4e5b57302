import ArgumentParser
import Core
import Feeds
import Markets
import Messages
import Operations
import Redis
import RedisFlags
import ServiceKit
import Values

/// `souk bars`
struct BarsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bars", abstract: "Print the bars that Redis has of a symbol, raw or adjusted for splits.",
    discussion: """
      Bars are stored as they were traded. With --adjusted, the prices of bars before a split are multiplied by \
      split_from / split_to and their volumes by the inverse, as decimals, rounded half to even to six digits. The \
      splits are those of market-splits, or of --splits-file.

      Examples:
        souk bars AAPL --from 2026-11-02 --to 2026-11-28 --interval 1d
        souk bars AAPL --from 2024-01-01 --adjusted -o json
        souk bars AAPL --from 2024-01-01 --adjusted --as-of 2024-06-30    # without later splits
      """)

  @Argument(help: "The symbol, as any provider writes it.") var symbol: String
  @Option(help: ArgumentHelp("The first day, in New York; or a time with an offset.", valueName: "date"))
  var from: String?
  @Option(help: ArgumentHelp(
    "The day behind the last one, or a time with an offset (default: now).", valueName: "date"))
  var to: String?
  @Option(help: "The time of a bar: \(BarInterval.allCases.map(\.rawValue).joined(separator: ", ")).")
  var interval = "1m"
  @Flag(help: "Adjust prices and volumes for the splits that came after a bar.")
  var adjusted = false
  @Option(help: ArgumentHelp("With --adjusted: pass over the splits after this day.", valueName: "date"))
  var asOf: String?
  @Option(help: ArgumentHelp(
    "With --adjusted: the splits of this file, not of market-splits.", valueName: "path"))
  var splitsFile: String?
  @Option(name: .shortAndLong, help: "json: one bar a line; yaml: one bar a document.")
  var output = OutputFormat.table
  @OptionGroup(title: "Redis") var redis: RedisOptions
  @OptionGroup(title: "Kafka") var kafka: ClusterOptions

  func validate() throws {
    guard BarInterval(rawValue: interval) != nil else {
      throw ValidationError(
        "--interval must be one of \(BarInterval.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    guard asOf.map({ CivilDate($0) != nil }) ?? true else { throw ValidationError("--as-of is not like 2024-06-30") }
    guard adjusted || (asOf == nil && splitsFile == nil) else {
      throw ValidationError("--as-of and --splits-file are for --adjusted")
    }
  }

  func run() async throws {
    guard let symbol = Tickers.canonical(symbol) else {
      throw Failure(.configuration, code: "bad_symbol", "'\(symbol)' is no symbol such as BRK.B")
    }
    let times = MarketTimes(try NYSECalendar())
    let now = WallClock.microseconds() * 1_000
    let today = times.midnight(times.calendar.day(of: now / 1_000_000_000))
    let start = try from.map { try times.instant($0, flag: "--from") } ?? today
    let end = try to.map { try times.instant($0, flag: "--to") } ?? now
    guard start < end else { throw Failure(.configuration, code: "empty_range", "--from is not before --to") }
    let splits = !adjusted ? [] : try await splits(now).filter { $0.symbol == symbol }
    // A split that is announced for a later day changes nothing yet.
    let day = CivilDate(daysSinceEpoch: times.calendar.day(of: now / 1_000_000_000))
    let adjustment = try SplitAdjustment(splits, asOf: asOf.flatMap { CivilDate($0) } ?? day)
    let client = try redis.makeClient(clientName: "souk-bars")
    let interval = BarInterval(rawValue: interval) ?? .minute
    let bars: [FeedBarValues]
    do { bars = try await StoredBars(client: client).bars(of: symbol, interval, in: start..<end) } catch {
      await client.close()
      throw error
    }
    await client.close()
    let shown = try bars.map { bar in
      guard let bar = adjustment.adjusted(bar) else {
        throw Failure(.data, code: "bad_splits", "an adjusted bar of \(symbol) has more than 18 digits")
      }
      return bar
    }
    output == .table ? printTable(shown) : printJSON(shown, symbol)
  }

  private func splits(_ now: Int64) async throws -> [StockSplit] {
    if let splitsFile { return try SplitFile.read(splitsFile, knownNs: now) }
    return try await SplitBook(kafka).splits()
  }

  private func printTable(_ bars: [FeedBarValues]) {
    var table = TextTable([
      "START", .right("OPEN"), .right("HIGH"), .right("LOW"), .right("CLOSE"), .right("VOLUME"), .right("VWAP"),
    ])
    for bar in bars {
      table.append([
        Self.time(bar), "\(bar.open)", "\(bar.high)", "\(bar.low)", "\(bar.close)", "\(bar.volume)",
        bar.vwap.map { "\($0)" } ?? "",
      ])
    }
    print(table.lines.joined(separator: "\n"))
  }

  private func printJSON(_ bars: [FeedBarValues], _ symbol: String) {
    for bar in bars {
      var json = JSONWriter()
      json.beginObject()
      for (name, text) in [("symbol", symbol), ("interval", interval), ("start", Self.time(bar))] {
        json.key(named: name)
        json.string(text)
      }
      json.key("start_ns")
      json.integer(bar.startNs)
      json.number("open", bar.open)
      json.number("high", bar.high)
      json.number("low", bar.low)
      json.number("close", bar.close)
      json.number("volume", bar.volume)
      if let vwap = bar.vwap { json.number("vwap", vwap) }
      if let trades = bar.trades { json.field("trades", trades) }
      json.field("adjusted", adjusted)
      json.endObject()
      print(output.text(ofJSON: String(decoding: json.array(), as: UTF8.self)))
    }
  }

  private static func time(_ bar: FeedBarValues) -> String {
    Timestamp(microseconds: bar.startNs / 1_000)?.description ?? "\(bar.startNs)"
  }
}

/// The bars that the hot store has of a symbol.
struct StoredBars: Sendable {
  let client: RedisClient

  private static let required = ["open", "high", "low", "close", "volume"]
  private static let optional = ["vwap", "trades"]

  /// - Parameter range: of the starts, in nanoseconds since 1970.
  /// - Returns: the earliest first.
  /// - Throws: `RedisError`; a data `Failure` when there is no such series, or a bar lacks a part.
  func bars(of symbol: String, _ interval: BarInterval, in range: Range<Int64>) async throws -> [FeedBarValues] {
    let (from, to) = (range.lowerBound / 1_000_000, (range.upperBound - 1) / 1_000_000)
    let fields = Self.required + Self.optional
    let keys = fields.map { "ts:\(symbol):\(interval.rawValue):\($0)" }
    let replies = try await client.replies(to: keys.map { RedisCommand("TS.RANGE", $0, "\(from)", "\(to)") })
    var columns: [[Int64: ExactDecimal]] = []
    for (index, reply) in replies.enumerated() {
      var column: [Int64: ExactDecimal] = [:]
      switch reply {
      case .failure(let error) where error.code == "redis_no_series":
        guard index >= Self.required.count else {
          throw Failure(.data, code: "no_series", "Redis has no series \(keys[index]); hot-writer makes it")
        }
      case .failure(let error): throw error
      default:
        for element in reply.array ?? [] {
          guard let pair = element.array, pair.count == 2, let stamp = pair[0].integer,
            let value = pair[1].text.flatMap(Double.init).flatMap({ ExactDecimal(shortest: $0) })
          else { throw Failure(.data, code: "bad_sample", "\(keys[index]) has a sample that is no number") }
          column[stamp] = value
        }
      }
      columns.append(column)
    }
    return try columns[0].keys.sorted().map { stamp in
      let values = columns.map { $0[stamp] }
      guard let open = values[0], let high = values[1], let low = values[2], let close = values[3],
        let volume = values[4]
      else {
        throw Failure(
          .data, code: "partial_bar", "the bar of \(symbol) at \(stamp) ms lacks a part: hot-writer writes all of them")
      }
      var bar = FeedBarValues(
        startNs: stamp * 1_000_000, knownNs: 0, open: open, high: high, low: low, close: close, volume: volume)
      bar.vwap = values[5]
      bar.trades = values[6].flatMap { $0.normalized.scale == 0 ? $0.normalized.mantissa : nil }
      return bar
    }
  }
}
