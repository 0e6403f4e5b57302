import ArgumentParser
import Catalogue
import Core
import Forecasting
import Kafka
import KafkaFlags
import Logging
import ModelRegistry
import ObjectStore
import ObjectStoreFlags
import Options
import Pipeline
import Routing
import ServiceKit
import Values

/// `inference-worker`: without a subcommand, predicts; `inference-worker models` looks at the registry.
package struct InferenceWorkerProgram: ServiceProgram {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.inferenceWorker.name,
    abstract: "Predict the series a pattern picks, with the models of one kind.",
    version: Souk.version, subcommands: [InferenceWorkerCommand.self, ModelsCommand.self],
    defaultSubcommand: InferenceWorkerCommand.self)

  package init() {}
}

/// Consumes market data and publishes predictions.
struct InferenceWorkerCommand: ServiceCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Predict the series a pattern picks, with the models of one kind.",
    discussion: """
      Consumes sentinel_market_data.<category>, publishes \(Topics.databaseWriteBuffer.name), and keeps what it \
      remembers of each series in \(Topics.seriesWindows.name). What is predicted depends on the records alone: \
      to read them again makes the same predictions, under the same ids.
      """)

  @OptionGroup(title: "Predicting") var worker: WorkerOptions
  @OptionGroup(title: "Models") var registry: RegistryOptions
  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") var pipeline: PipelineOptions
  @OptionGroup(title: "Service") var service: ServiceOptions

  static var metrics: [MetricDescription] {
    WorkerMetrics.descriptions + PipelineMetrics.sinks + KafkaMetrics.table
  }

  private static var entry: ServiceEntry { ServiceCatalogue.inferenceWorker }

  func work(_ needs: Needs) -> Work {
    let (worker, context) = (worker, needs.context)
    var kafka = kafka
    kafka.groupId = kafka.groupId ?? worker.kind.group
    let consumer = needs.consumer(Self.entry, kafka, pipeline) { try worker.topics }
    let loader = needs.add(ModelLoader.need(registry, worker, context.logger))
    needs.beside { try await loader.value.run(until: context.drain) }
    // The drivers' prices are known before the first observation is looked at: the older ones from the changelog.
    let drivers = worker.kind.hasDrivers ? DriverTable(limit: worker.driverWindow) : nil
    let changelog = needs.add(Need(
      "windows", as: "the drivers' windows", condition: drivers.map { _ in "windows" },
      open: { WindowChangelog(reader: try consumer.changelog(Topics.seriesWindows), group: consumer.group) },
      prepare: { changelog in
        for (name, history) in try await changelog.windows(of: .energy) { drivers?.insert(name, history) }
        return ""
      }))
    if let drivers {
      let topic = Topics.commodityObservations(of: .energy)
      needs.table("drivers", Self.entry.name, kafka, topic: topic, isTrimmed: true) { drivers.take($0) }
    }
    return consumer.sink(worker.policy) { output in
      InferenceSink(
        try worker.settings(group: consumer.group), identity: consumer.identity, models: try loader.value.models,
        drivers: drivers, source: try changelog.value, output: output, logger: context.logger)
    }
  }
}

/// What is predicted, and from what.
struct WorkerOptions: ParsableArguments {
  @Option(help: "What this worker is for: it decides the kinds of models, and the defaults of --listen and --group-id.")
  var kind: WorkerKind

  @Option(name: [.customLong("listen-topic"), .customLong("listen")], help: ArgumentHelp(
    "The series to predict: words of region.country.category.material, * for one word, # for any number "
      + "(default: *.*.<kind>.*).", valueName: "pattern"))
  var listen: String?

  @Option(parsing: .singleValue, help: ArgumentHelp(
    "A model of the registry to use; repeatable (default: every one of the kind).", valueName: "name"))
  var model: [String] = []

  @Option(help: ArgumentHelp("How often the registry is asked for new versions.", valueName: "time"))
  var modelInterval = DurationSetting(.seconds(30))

  @Option(help: ArgumentHelp("Threads that XGBoost uses for one call.", valueName: "count"))
  var threads = 1

  @Option(help: ArgumentHelp("Observations remembered of each series: twice the longest history of a model or more.",
                             valueName: "count"))
  var window = 128

  @Option(help: ArgumentHelp("Most observations predicted at once.", valueName: "count"))
  var batchSize = 256

  @Option(help: ArgumentHelp("Longest time an observation waits for others.", valueName: "time"))
  var batchWait = DurationSetting(.milliseconds(20))

  @Option(help: ArgumentHelp(
    "How long after it was written a driver's value counts; above what its way through Kafka takes.",
    valueName: "time"))
  var driverDelay = DurationSetting(.seconds(2))

  @Option(help: ArgumentHelp("Values kept in memory of each driver.", valueName: "count"))
  var driverWindow = 20_000

  @Option(help: ArgumentHelp("Missing periods in a row that are filled; beyond them a prediction is withheld.",
                             valueName: "periods"))
  var maxGap = 3

  @Option(help: ArgumentHelp("Age of a driver from which on predictions are flagged.", valueName: "periods"))
  var staleDriver = 3

  @Option(help: ArgumentHelp("Age of a driver from which on predictions are withheld.", valueName: "periods"))
  var maxDriverAge = 72

  @Option(help: ArgumentHelp(
    "A price this many times above or below the median of its history is taken for a slip.", valueName: "factor"))
  var implausible = 10.0

  @Option(help: ArgumentHelp("Deviations from the median from which on predictions are flagged.", valueName: "count"))
  var outlier = 8.0

  @Option(help: ArgumentHelp("How far ahead of its record an observation may be; beyond it, it is dead-lettered.",
                             valueName: "time"))
  var maxAhead = DurationSetting(.seconds(2 * 86_400))

  func validate() throws {
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

/// `inference-worker models`: a look at the registry.
struct ModelsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "Look at the models of the registry.",
    subcommands: [ListCommand.self, VerifyCommand.self])

  /// `inference-worker models list`
  struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Print the current version of every model.")

    @OptionGroup(title: "Models") var registry: RegistryOptions

    func run() async throws { _ = try await ModelsCommand.show(registry, isVerifying: false) }
  }

  /// `inference-worker models verify`
  struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify", abstract: "Load every model and try it; exit code 78 when one must not be used.")

    @OptionGroup(title: "Models") var registry: RegistryOptions

    func run() async throws {
      let bad = try await ModelsCommand.show(registry, isVerifying: true)
      if bad > 0 {
        throw Failure(.configuration, code: "models_bad", "\(bad) of the registry's models must not be used")
      }
    }
  }

  /// - Returns: how many have a problem.
  private static func show(_ options: RegistryOptions, isVerifying: Bool) async throws -> Int {
    let registry = try options.registry()
    defer { registry.store.close() }
    let rows = try await registry.listing(isVerifying: isVerifying)
    if rows.isEmpty { print("no models at \(registry.store.location)/\(ModelRegistry.root)") }
    for row in rows { print(line(row)) }
    return rows.count { $0.problem != nil }
  }

  private static func line(_ row: ModelListing) -> String {
    var parts = [row.name, row.version ?? "-"]
    if let manifest = row.manifest {
      parts += [
        manifest.kind.rawValue, manifest.series, manifest.seriesKind, "history \(manifest.history)",
        "horizon \(manifest.horizon)", "every \(manifest.period) s",
        "trained \(manifest.trained.from) to \(manifest.trained.to)",
      ]
    }
    if let problem = row.problem { parts.append("REFUSED: \(problem)") }
    return parts.joined(separator: "  ")
  }
}

/// Where models come from.
struct RegistryOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Where the registry is, a store with a folder 'models': s3://bucket/prefix or file:///folder "
      + "(default: --object-store).", valueName: "url"))
  var models: String?

  @OptionGroup(title: "Object store") var objectStore: ObjectStoreOptions

  /// - Parameter threads: of XGBoost, for each call.
  /// - Throws: `Failure` of class configuration.
  func registry(threads: Int = 1) throws -> ModelRegistry {
    var options = objectStore
    if let models { options.objectStore = models }
    return ModelRegistry(try options.makeStore(), threads: threads)
  }
}
