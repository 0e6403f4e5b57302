import ArgumentParser
import Core
import Feeds
import Options
import Pipeline

/// What counts as unusual.
package struct DetectorOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "The meaning of conditions: lines of code,class with a class of "
      + "\(PrintClass.allCases.map(\.rawValue).joined(separator: ", ")) (default: OPRA's published codes).",
    valueName: "path"))
  package var conditions: String?

  @Option(help: ArgumentHelp(
    "Prints of one contract and side are one order within this time from the first.", valueName: "time"))
  package var window = DurationSetting(.milliseconds(250))

  @Option(help: ArgumentHelp(
    "Prints of several contracts on one exchange with one size are legs of one order within this time.",
    valueName: "time"))
  package var legWindow = DurationSetting(.milliseconds(1))

  @Option(help: "Dollars from which on an order over several exchanges is a sweep.")
  package var sweepPremium = 25_000.0

  @Option(help: "Contracts from which on one print is a block.")
  package var blockSize: Int64 = 500

  @Option(help: "Dollars from which on one print is a block.")
  package var blockPremium = 1_000_000.0

  @Option(help: "Volume of a contract's day below which it is compared with nothing.")
  package var minVolume: Int64 = 500

  @Option(help: "Open interest below which volume is not compared with it; with 0, none counts as one.")
  package var minOpenInterest: Int64 = 100

  @Option(help: "A contract whose last price is below it is not compared, dollars.")
  package var minPrice = 0.10

  @Option(help: "Volume by open interest of the day before, from which on it is an event.")
  package var volumeOi = 1.25

  @Option(help: "Volume by the contract's own average of up to 20 days, from which on it is an event.")
  package var volumeAverage = 3.0

  @Option(help: "Days from which on there is an average.")
  package var averageDays: Int64 = 3

  @Option(help: ArgumentHelp("A quote older than this makes the side less sure.", valueName: "time"))
  package var staleQuote = DurationSetting(.seconds(2))

  @Option(help: ArgumentHelp(
    "Part of an event's size by which open interest has to grow until the next morning to confirm it.",
    valueName: "part"))
  package var confirmShare = 0.5

  @Option(help: "Days that an event waits for the open interest of the next morning.")
  package var confirmDays: Int64 = 5

  @Option(parsing: .singleValue, help: ArgumentHelp(
    "Use prints and chains of this feed only (repeatable); default: each feed has events of its own.",
    valueName: "name"))
  package var onlyFeed: [String] = []

  @Option(help: ArgumentHelp(
    "A print that happened later than it was known, by more than this, is refused.", valueName: "time"))
  package var maxAhead = DurationSetting(.seconds(60))

  @Option(help: "Underlyings; the records of further ones are refused.")
  package var maxUnderlyings = 10_000

  @Option(help: ArgumentHelp(
    "Longest time a record waits for others: with each flush the state of every changed underlying is written once.",
    valueName: "time"))
  package var linger = DurationSetting(.milliseconds(200))

  package init() {}

  package func validate() throws {
    guard window.duration > .zero, window.duration <= .seconds(5), legWindow.duration <= window.duration else {
      throw ValidationError("--window must be above zero and up to 5s, --leg-window not longer")
    }
    guard sweepPremium >= 0, blockSize > 0, blockPremium > 0, minVolume >= 0, minOpenInterest >= 0, volumeOi > 0,
      volumeAverage > 0, averageDays > 0, confirmDays > 0, maxUnderlyings > 0
    else { throw ValidationError("what is compared with must be above zero, --min-volume and the like not below") }
    guard (0...1).contains(confirmShare), staleQuote.duration > .zero else {
      throw ValidationError("--confirm-share must be 0 to 1, --stale-quote above zero")
    }
  }

  var policy: FlushPolicy { FlushPolicy(rows: 5_000, bytes: 8 << 20, linger: linger.duration) }

  package var rules: FlowRules {
    var rules = FlowRules()
    rules.window = window.duration.nanoseconds
    rules.legWindow = legWindow.duration.nanoseconds
    (rules.sweepPremium, rules.blockSize, rules.blockPremium) = (sweepPremium, blockSize, blockPremium)
    (rules.minVolume, rules.minOpenInterest, rules.minPrice) = (minVolume, minOpenInterest, minPrice)
    (rules.volumeOI, rules.volumeAverage, rules.averageDays) = (volumeOi, volumeAverage, averageDays)
    rules.staleQuote = staleQuote.duration.nanoseconds
    (rules.confirmShare, rules.confirmDays) = (confirmShare, confirmDays)
    return rules
  }

  func settings(group: String) -> FlowSink.Settings {
    var settings = FlowSink.Settings(group: group, rules: rules)
    settings.feeds = Set(onlyFeed)
    settings.maxAhead = maxAhead.duration
    settings.maxUnderlyings = maxUnderlyings
    return settings
  }
}
