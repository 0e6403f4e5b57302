import ArgumentParser
import Catalogue
import Core
import Feeds
import Kafka
import KafkaFlags
import Messages
import Metrics
import Options
import Pipeline
import ServiceKit

/// `options-detector`: prints and chains of options in, unusual activity out.
package struct OptionsDetectorCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.optionsDetector.name,
    abstract: "Find sweeps, blocks and unusual volume in options, and say which rule found them.",
    discussion: """
      Consumes \(Topics.optionTrades.name) and \(Topics.optionChains.name), publishes \(Topics.optionsFlow.name), and \
      keeps what it has to know of each underlying in \(Topics.flowStates.name). Records that are read again make the \
      same events, under the same ids.
      """,
    version: Souk.version)

  @OptionGroup(title: "Rules") var detector: DetectorOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics: [MetricDescription] =
    FlowMetrics.descriptions + PipelineMetrics.sinks + KafkaMetrics.table

  private static var entry: ServiceEntry { ServiceCatalogue.optionsDetector }

  package func work(_ needs: Needs) -> Work {
    let (detector, context) = (detector, needs.context)
    let consumer = needs.consumer(Self.entry, kafka, pipeline)
    let table = needs.add(Need.setting(
      "conditions", { try ConditionTable.load(detector.conditions) }, says: { "\($0.count) conditions of prints" }))
    let changelog = needs.states(of: consumer, in: Topics.flowStates) { FlowMetrics().unreadableState() }
    return consumer.sink(detector.policy, isCoPartitioned: true) { output in
      try FlowSink(
        detector.settings(group: consumer.group), table.value, identity: consumer.identity, source: changelog.value,
        output: output, logger: context.logger)
    }
  }
}

/// What counts as unusual.
struct DetectorOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "The meaning of conditions: lines of code,class with a class of "
      + "\(PrintClass.allCases.map(\.rawValue).joined(separator: ", ")) (default: OPRA's published codes).",
    valueName: "path"))
  var conditions: String?

  @Option(help: ArgumentHelp(
    "Prints of one contract and side are one order within this time from the first.", valueName: "time"))
  var window = DurationSetting(.milliseconds(250))

  @Option(help: ArgumentHelp(
    "Prints of several contracts on one exchange with one size are legs of one order within this time.",
    valueName: "time"))
  var legWindow = DurationSetting(.milliseconds(1))

  @Option(help: "Dollars from which on an order over several exchanges is a sweep.")
  var sweepPremium = 25_000.0

  @Option(help: "Contracts from which on one print is a block.")
  var blockSize: Int64 = 500

  @Option(help: "Dollars from which on one print is a block.")
  var blockPremium = 1_000_000.0

  @Option(help: "Volume of a contract's day below which it is compared with nothing.")
  var minVolume: Int64 = 500

  @Option(help: "Open interest below which volume is not compared with it; with 0, none counts as one.")
  var minOpenInterest: Int64 = 100

  @Option(help: "A contract whose last price is below it is not compared, dollars.")
  var minPrice = 0.10

  @Option(help: "Volume by open interest of the day before, from which on it is an event.")
  var volumeOi = 1.25

  @Option(help: "Volume by the contract's own average of up to 20 days, from which on it is an event.")
  var volumeAverage = 3.0

  @Option(help: "Days from which on there is an average.")
  var averageDays: Int64 = 3

  @Option(help: ArgumentHelp("A quote older than this makes the side less sure.", valueName: "time"))
  var staleQuote = DurationSetting(.seconds(2))

  @Option(help: ArgumentHelp(
    "Part of an event's size by which open interest has to grow until the next morning to confirm it.",
    valueName: "part"))
  var confirmShare = 0.5

  @Option(help: "Days that an event waits for the open interest of the next morning.")
  var confirmDays: Int64 = 5

  @Option(parsing: .singleValue, help: ArgumentHelp(
    "Use prints and chains of this feed only (repeatable); default: each feed has events of its own.",
    valueName: "name"))
  var onlyFeed: [String] = []

  @Option(help: ArgumentHelp(
    "A print that happened later than it was known, by more than this, is refused.", valueName: "time"))
  var maxAhead = DurationSetting(.seconds(60))

  @Option(help: "Underlyings; the records of further ones are refused.")
  var maxUnderlyings = 10_000

  @Option(help: ArgumentHelp(
    "Longest time a record waits for others: with each flush the state of every changed underlying is written once.",
    valueName: "time"))
  var linger = DurationSetting(.milliseconds(200))

  func validate() throws {
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

  var rules: FlowRules {
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

/// What options-detector counts beyond what every consumer counts.
struct FlowMetrics: Sendable {
  static let descriptions = [
    MetricDescription(
      "souk_flow_events_total", .counter, "Records of events that were published, later revisions included.",
      labels: ["rule", "status"]),
    MetricDescription(
      "souk_flow_conditions_unknown_total", .counter,
      "Conditions that are in no table: their prints are left out. Load a newer table with --conditions."),
    MetricDescription(
      "souk_flow_contracts_gone_total", .counter, "Contracts that a whole snapshot does not have any more."),
    MetricDescription(
      "souk_flow_unverified_total", .counter,
      "Events that were forgotten before an open interest confirmed or refuted them."),
    MetricDescription("souk_flow_underlyings", .gauge, "Underlyings whose states are in memory."),
    MetricDescription(
      "souk_flow_restore_seconds", .histogram, "From an assignment until its states were read.",
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]),
    MetricDescription(
      "souk_flow_states_unreadable_total", .counter,
      "States of the changelog that could not be read: what they knew begins anew."),
  ]

  func published(_ events: [OptionsFlow]) {
    var counts: [[String]: Int] = [:]
    for event in events { counts[[event.rule.rawValue, event.status.rawValue], default: 0] += 1 }
    for (labels, count) in counts {
      Counter(label: "souk_flow_events_total", dimensions: [("rule", labels[0]), ("status", labels[1])])
        .increment(by: count)
    }
  }

  func unknown(_ conditions: Int) { Counter(label: "souk_flow_conditions_unknown_total").increment(by: conditions) }
  func gone(_ contracts: Int) { Counter(label: "souk_flow_contracts_gone_total").increment(by: contracts) }
  func unverified(_ events: Int) { Counter(label: "souk_flow_unverified_total").increment(by: events) }
  func knows(_ underlyings: Int) { Gauge(label: "souk_flow_underlyings").record(underlyings) }
  func restored(in time: Duration) { Timer(label: "souk_flow_restore_seconds").record(duration: time) }
  func unreadableState() { Counter(label: "souk_flow_states_unreadable_total").increment() }
}
