import ArgumentParser
import Catalogue
import Core
import Forecasting
import Options
import Pipeline
import Routing
import Values

/// What is predicted, and from what.
package struct WorkerOptions: ParsableArguments {
  @Option(help: "What this worker is for: it decides the kinds of models, and the defaults of --listen and --group-id.")
  package var kind: WorkerKind

  @Option(name: [.customLong("listen-topic"), .customLong("listen")], help: ArgumentHelp(
    "The series to predict: words of region.country.category.material, * for one word, # for any number "
      + "(default: *.*.<kind>.*).", valueName: "pattern"))
  package var listen: String?

  @Option(parsing: .singleValue, help: ArgumentHelp(
    "A model of the registry to use; repeatable (default: every one of the kind).", valueName: "name"))
  package var model: [String] = []

  @Option(help: ArgumentHelp("How often the registry is asked for new versions.", valueName: "time"))
  package var modelInterval = DurationSetting(.seconds(30))

  @Option(help: ArgumentHelp("Threads that XGBoost uses for one call.", valueName: "count"))
  package var threads = 1

  @Option(help: ArgumentHelp("Observations remembered of each series: twice the longest history of a model or more.",
                             valueName: "count"))
  package var window = 128

  @Option(help: ArgumentHelp("Most observations predicted at once.", valueName: "count"))
  package var batchSize = 256

  @Option(help: ArgumentHelp("Longest time an observation waits for others.", valueName: "time"))
  package var batchWait = DurationSetting(.milliseconds(20))

  @Option(help: ArgumentHelp(
    "How long after it was written a driver's value counts; above what its way through Kafka takes.",
    valueName: "time"))
  package var driverDelay = DurationSetting(.seconds(2))

  @Option(help: ArgumentHelp("Values kept in memory of each driver.", valueName: "count"))
  package var driverWindow = 20_000

  @Option(help: ArgumentHelp("Missing periods in a row that are filled; beyond them a prediction is withheld.",
                             valueName: "periods"))
  package var maxGap = 3

  @Option(help: ArgumentHelp("Age of a driver from which on predictions are flagged.", valueName: "periods"))
  package var staleDriver = 3

  @Option(help: ArgumentHelp("Age of a driver from which on predictions are withheld.", valueName: "periods"))
  package var maxDriverAge = 72

  @Option(help: ArgumentHelp(
    "A price this many times above or below the median of its history is taken for a slip.", valueName: "factor"))
  package var implausible = 10.0

  @Option(help: ArgumentHelp("Deviations from the median from which on predictions are flagged.", valueName: "count"))
  package var outlier = 8.0

  @Option(help: ArgumentHelp("How far ahead of its record an observation may be; beyond it, it is dead-lettered.",
                             valueName: "time"))
  package var maxAhead = DurationSetting(.seconds(2 * 86_400))

  package init() {}

  package func validate() throws {
    guard (2...100_000).contains(window), (1...100_000).contains(batchSize), driverWindow > 0 else {
      throw ValidationError("--window must be 2 to 100000, --batch-size 1 to 100000, --driver-window above zero")
    }
    guard maxGap >= 0, staleDriver >= 0, maxDriverAge >= staleDriver else {
      throw ValidationError("--max-gap and --stale-driver must be 0 or more, --max-driver-age not below --stale-driver")
    }
    guard implausible > 1, outlier > 0 else {
      throw ValidationError("--implausible must be above 1 and --outlier above 0")
    }
    guard modelInterval.duration > .zero, (1...256).contains(threads) else {
      throw ValidationError("--model-interval must be above zero and --threads 1 to 256")
    }
    do { _ = try pattern } catch { throw ValidationError("--listen: \(error)") }
  }

  var pattern: RoutingPattern { get throws(RoutingPatternError) { try RoutingPattern(listen ?? kind.pattern) } }

  /// What has to be read for it: the pattern's categories, and the drivers', whose windows a member of the group has
  /// to keep.
  var topics: [Topic] {
    get throws(RoutingPatternError) {
      let listened = try pattern.topics
      let energy = Topics.commodityObservations(of: .energy)
      return kind.hasDrivers && !listened.contains(energy) ? listened + [energy] : listened
    }
  }

  func settings(group: String) throws -> InferenceSink.Settings {
    var settings = InferenceSink.Settings(group: group, pattern: try pattern)
    settings.window = window
    settings.batchSize = batchSize
    settings.driverDelay = driverDelay.duration
    settings.maxAhead = maxAhead.duration
    settings.limits = limits
    return settings
  }

  var policy: FlushPolicy { FlushPolicy(rows: batchSize, bytes: 16 << 20, linger: batchWait.duration) }

  var limits: QualityLimits {
    QualityLimits(
      maxGap: maxGap, staleDriver: staleDriver, maxDriverAge: maxDriverAge, implausible: implausible, outlier: outlier)
  }
}

/// A kind of workers: its models, and its default pattern and group.
package enum WorkerKind: String, CaseIterable, Sendable, ExpressibleByArgument {
  /// Boosted trees with the oil price as an input.
  case polymer
  /// Recurrent networks on prices.
  case shielding
  /// Intermittent demand.
  case screening

  package var models: Set<ModelKind> {
    switch self {
    case .polymer: [.xgboost]
    case .shielding: [.lstm, .deepar]
    case .screening: [.croston, .sba, .tsb]
    }
  }

  /// The default pattern: the category of the kind's name.
  package var pattern: String { "*.*.\(rawValue).*" }

  /// The default consumer group.
  package var group: String { "\(ServiceCatalogue.inferenceWorker.name)-\(rawValue)" }

  /// Whether its models have inputs of category energy.
  package var hasDrivers: Bool { models.contains(.xgboost) }
}
