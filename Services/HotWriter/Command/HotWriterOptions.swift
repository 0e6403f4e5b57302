import ArgumentParser
import Core
import Options
import Pipeline

/// Which series are kept, for how long, and when they are written.
struct HotWriterOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Series of each symbol's trades and quotes, of price, size, bid, ask, bid_size, ask_size.", valueName: "list"))
  var tickSeries = "price,size,bid,ask"

  @Option(help: ArgumentHelp(
    "Series of each symbol's bars, of open, high, low, close, volume, vwap, trades; known and revision besides.",
    valueName: "list"))
  var barSeries = "open,high,low,close,volume,vwap"

  @Option(help: ArgumentHelp(
    "Series of each symbol's indicators, by the names that signal-worker gives them; feat:{<symbol>} holds all.",
    valueName: "list"))
  var signalSeries = """
    sma20,ema12,rsi14,macd,macd_signal,session_vwap,flow_premium,flow_dev,flow_dev_1d,sentiment_stories,\
    sentiment_score,sentiment_dev_1d
    """

  @Option(help: ArgumentHelp("How long trades and quotes are kept.", valueName: "time"))
  var tickRetention = DurationSetting(.seconds(24 * 3_600))

  @Option(help: ArgumentHelp(
    "How long bars are kept, by interval; an interval that is not named as long as 1m.",
    valueName: "interval=time,..."))
  var barRetention = "1s=6h,1m=30d,1d=3650d"

  // Also --feed. The variable FEED is market-streamer's: what it listens to.
  @Option(name: [.customLong("only-feed"), .customLong("feed")], parsing: .singleValue, help: ArgumentHelp(
    "Write the records of this feed only (repeatable); default: of every feed.", valueName: "name"))
  var feed: [String] = []

  @Option(help: ArgumentHelp(
    "Entries of stream:raw_market_data, about; 0 keeps no such stream.", valueName: "count"))
  var tailLength = 10_000

  @Option(help: ArgumentHelp("A record whose time is further ahead of the clock is refused.", valueName: "time"))
  var maxSkew = DurationSetting(.seconds(60))

  @Option(help: "Symbols; the records of further ones are refused.")
  var maxSymbols = 20_000

  @Option(help: "Symbols that are expected, for the memory that --check says is needed.")
  var expectedSymbols = 100

  @Option(help: ArgumentHelp(
    "Trades and quotes of one symbol in a second of a session, on average, for the same.", valueName: "rate"))
  var expectedTicks = 1.0

  @Option(help: "Samples that make a flush.")
  var flushSamples = 60_000

  @Option(help: ArgumentHelp("Bytes of samples and raw records that make a flush.", valueName: "size"))
  var flushBytes = ByteSize.mib(8)

  @Option(help: ArgumentHelp("Longest time a record waits for others before it is written.", valueName: "time"))
  var linger = DurationSetting(.milliseconds(20))

  func validate() throws {
    guard flushSamples > 0, flushBytes.bytes > 0 else {
      throw ValidationError("--flush-samples and --flush-bytes must be above zero")
    }
    guard (0...1_000_000).contains(tailLength) else { throw ValidationError("--tail-length must be 0 to 1000000") }
    guard maxSymbols > 0, expectedSymbols > 0, expectedTicks > 0 else {
      throw ValidationError("--max-symbols, --expected-symbols and --expected-ticks must be above zero")
    }
    guard maxSkew.duration >= .zero else { throw ValidationError("--max-skew must not be below zero") }
    do { _ = try series() } catch { throw ValidationError(error.message) }
  }

  var policy: FlushPolicy { FlushPolicy(rows: flushSamples, bytes: flushBytes.bytes, linger: linger.duration) }

  var limits: RecordReader.Limits {
    RecordReader.Limits(
      skew: maxSkew.duration, symbols: maxSymbols, feeds: feed.map { Array($0.utf8) }, tail: tailLength)
  }

  /// - Throws: `Failure(.configuration)` that names what is wrong.
  func series() throws(Failure) -> SeriesPolicy {
    var bars = try RetentionByName(
      barRetention, others: .seconds(30 * 86_400), flag: "--bar-retention", example: "1m=30d")
    bars.others = bars.of("1m")
    guard tickRetention.duration > .zero else { throw Self.invalid("--tick-retention must be above zero") }
    var policy = SeriesPolicy(
      tickFields: try Self.fields(tickSeries, "--tick-series"), barFields: try Self.fields(barSeries, "--bar-series"),
      tickRetention: tickRetention.duration, barRetention: bars)
    policy.signalFields = Set(signalSeries.split(separator: ",").map(String.init))
    let taken = policy.signalFields.intersection(BarField.allCases.map(\.rawValue))
    guard taken.isEmpty else {
      throw Self.invalid("--signal-series: \(taken.sorted().joined(separator: ", ")) is a series of bars")
    }
    return policy
  }

  /// - Throws: the same.
  func budget() throws(Failure) -> MemoryBudget {
    MemoryBudget(
      policy: try series(), symbols: expectedSymbols, ticksPerSecond: expectedTicks, tail: tailLength)
  }

  private static func fields<Field: RawRepresentable<String> & CaseIterable>(
    _ list: String, _ flag: String
  ) throws(Failure) -> [Field] {
    var fields: [Field] = []
    for word in list.split(separator: ",") {
      guard let field = Field(rawValue: String(word)) else {
        let known = Field.allCases.map(\.rawValue).joined(separator: ", ")
        throw invalid("\(flag): there is no '\(word)'; there are \(known)")
      }
      fields.append(field)
    }
    return fields
  }

  private static func invalid(_ text: String) -> Failure { Failure(.configuration, code: "invalid_setting", text) }
}
