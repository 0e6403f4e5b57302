import ArgumentParser
import Forecasting
import Kafka
import Logging
import ModelRegistry
import ObjectStore
import Pipeline
import Runtime
import Schemas
import ServiceKit

/// Consumes market data and publishes predictions.
package struct InferenceWorkerCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Predict the series a pattern picks, with the models of one kind.",
    discussion: """
      Consumes sentinel_market_data.<category>, publishes \(Topics.databaseWriteBuffer.name), and keeps what it \
      remembers of each series in \(Topics.seriesWindows.name). What is predicted depends on the records alone: \
      whoever reads them again makes the same predictions, under the same ids.
      """)

  @OptionGroup(title: "Predicting") package var worker: WorkerOptions
  @OptionGroup(title: "Models") package var registry: RegistryOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static var metrics: [MetricDescription] {
    WorkerMetrics.descriptions + PipelineMetrics.sinks + KafkaMetrics.table
  }

  private static var entry: ServiceEntry { ServiceCatalogue.inferenceWorker }

  package func check(_ report: CheckReport) async {
    let (worker, kafka, options) = (worker, kafka, registry)
    await report.probe("kafka") {
      let inputs = try worker.topics
      return try await kafka.check(
        clientID: Self.entry.name, topics: (inputs + inputs.map(\.deadLetters) + Self.entry.outputs).map(\.name),
        logger: Logger(label: "check"))
    }
    await report.probe("models") {
      let registry = try options.registry()
      defer { registry.store.close() }
      let rows = try await registry.listing(
        isVerifying: true, requirement: ModelLoader.requirement(worker.kind, window: worker.window)
      ).filter { worker.model.isEmpty || worker.model.contains($0.name) }
      let good = rows.filter { $0.problem == nil && $0.manifest != nil }
      guard !good.isEmpty, Set(worker.model).isSubset(of: good.map(\.name)) else {
        throw Failure(
          .configuration, code: "no_models", rows.compactMap(\.problem).first
            ?? "no model for \(worker.kind.rawValue) at \(registry.store.location)/\(ModelRegistry.root)")
      }
      return good.map { "\($0.name) \($0.version ?? "")" }.joined(separator: ", ")
    }
  }

  package func run(in context: ServiceContext) async throws {
    let registry = try registry.registry(threads: worker.threads)
    defer { registry.store.close() }
    let keeper = ModelLoader(
      registry, names: worker.model, kind: worker.kind, window: worker.window, interval: worker.modelInterval.duration,
      logger: context.logger)
    guard try await keeper.waitForModels(pipeline.backoff, in: context) else { return }
    var kafka = kafka
    let group = kafka.groupId ?? worker.kind.group
    kafka.groupId = group
    let changelog = WindowChangelog(
      try kafka.tableConfiguration(
        clientID: Self.entry.name, topic: Topics.seriesWindows.name, logger: context.logger),
      group: group)
    let drivers = try await readDrivers(kafka, changelog, context)
    if context.drain.isRaised {
      await drivers?.close()
      return
    }
    let outcome = await work(kafka, group: group, changelog, drivers, keeper, in: context)
    let failure = drivers?.failure
    await drivers?.close()
    try outcome.get()
    if let failure { throw failure }
  }

  private func work(
    _ kafka: KafkaOptions, group: String, _ changelog: WindowChangelog, _ drivers: DriverReading?,
    _ keeper: ModelLoader, in context: ServiceContext
  ) async -> Result<Void, any Error> {
    // Predictions from drivers that nobody follows any more would be wrong: better to restart.
    let watch = Task {
      await drivers?.waitUntilEnded()
      if drivers?.failure != nil { context.drain.raise() }
    }
    let looking = Task { await keeper.run(until: context.drain) }
    defer {
      watch.cancel()
      looking.cancel()
    }
    do {
      let settings = try worker.settings(group: group)
      var consumers = ConsumerService(entry: Self.entry, kafka: kafka, pipeline: pipeline, context: context)
      consumers.inputs = try worker.topics
      let identity = consumers.identity
      try await consumers.run(policy: worker.policy) { consumer, producer in
        let output: any PredictionOutput = kafka.delivery == .exactlyOnce
          ? TransactionalOutput(producer, consumer) : AcknowledgedOutput(producer)
        return InferenceSink(
          settings, identity: identity, models: keeper.models, drivers: drivers?.table, source: changelog,
          output: output, logger: context.logger)
      }
      return .success(())
    } catch {
      return .failure(error)
    }
  }

  /// Knows the drivers' prices before the first observation is looked at.
  private func readDrivers(
    _ kafka: KafkaOptions, _ changelog: WindowChangelog, _ context: ServiceContext
  ) async throws -> DriverReading? {
    guard worker.kind.hasDrivers else { return nil }
    let readiness = context.health.readiness("drivers")
    let topic = Topics.marketObservations(of: .energy).name
    readiness.set(ready: false, reason: "reading \(topic)")
    let reading = try DriverReading(
      try kafka.tableConfiguration(clientID: Self.entry.name, topic: topic, logger: context.logger),
      limit: worker.driverWindow)
    var backoff = pipeline.backoff
    while true {
      do {
        for (name, history) in try await changelog.windows(of: .energy) { reading.table.insert(name, history) }
        break
      } catch let error where ErrorClass(of: error) == .transient {
        readiness.failed(error)
        context.logger.warning("waiting for the drivers' windows", metadata: ["reason": "\(error)"])
        if await context.drain.sleep(for: backoff.next()) { return reading }
      }
    }
    if try await reading.waitUntilCurrent(orUntil: context.drain) { readiness.set(ready: true) }
    return reading
  }
}
