import ArgumentParser
import Catalogue
import Core
import EmbeddingFlags
import FeatureFlags
import Features
import KafkaFlags
import Pipeline
import Redis
import RedisFlags
import ServiceKit

/// `hot-writer`: ticks and bars into Redis.
package struct HotWriterCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.hotWriter.name,
    abstract: "Keep live prices and bars in Redis, as time series, last values and a tail of raw records.",
    discussion: """
      Consumes \(Topics.marketTicks.name), \(Topics.marketBars.name), \(Topics.marketGaps.name), \
      \(Topics.newsArticles.name), \(Topics.socialPosts.name), \(Topics.sentimentEvents.name), \
      \(Topics.optionsFlow.name), \(Topics.documents.name) and \(Topics.documentChunks.name). A sample's key and time \
      come only from its record, last values compare event times, and the tail compares offsets, so a repeat changes \
      nothing. A record that Redis refuses is a dead letter; a full or absent Redis is waited for.
      """,
    version: Souk.version)

  @OptionGroup(title: "Series") var hot: HotWriterOptions
  @OptionGroup(title: "Texts") var texts: TextOptions
  @OptionGroup(title: "Documents and vectors") var documents: DocumentOptions
  @OptionGroup(title: "Features") package var features: FeatureOptions
  @OptionGroup(title: "Redis") package var redis: RedisOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics: [MetricDescription] =
    HotMetrics.descriptions + IndexMetrics.descriptions + RedisMetrics.descriptions + PipelineMetrics.sinks

  package func work(_ needs: Needs) -> Work {
    let consumer = needs.consumer(ServiceCatalogue.hotWriter, kafka, pipeline)
    let client = needs.add(need())
    let embedder = documents.newsVectors ? needs.add(documents.embedding.need()) : nil
    return consumer.sink(hot.policy) { [self] _, _ in
      var policy = try texts.policy()
      policy.documents = try documents.retention()
      policy.documentTail = documents.documentTailLength
      return HotSink(
        try client.value, policy: try hot.series(), limits: hot.limits, budget: try budget(), texts: policy,
        embedder: try embedder?.value, features: try featureSet())
    }
  }

  /// Features of bars need their series. The embedded ones are left out without, as `--check` says.
  /// - Throws: a configuration `Failure` when the file has some.
  private func featureSet() throws(Failure) -> FeatureSet {
    let set = try features.set()
    let missing = Set<BarField>([.high, .low, .close, .volume]).subtracting(try hot.series().barFields)
    guard !missing.isEmpty, let feature = set.features.first(where: { $0.source == .bars }) else { return set }
    guard features.features != nil else { return set.without(.bars) }
    let names = missing.map(\.rawValue).sorted().joined(separator: ", ")
    throw Failure(
      .configuration, code: "invalid_setting",
      "feature '\(feature.name)' is computed of bars: --bar-series lacks \(names)")
  }

  private func budget() throws(Failure) -> MemoryBudget {
    var budget = try hot.budget()
    budget.passages = documents.expectedPassages
    return budget
  }

  /// A server that can be a hot store. `--check` refuses one whose memory the settings do not fit in; a running service
  /// starts all the same, since the estimate may be wrong and a full server is waited for.
  func need() -> Need<RedisClient> {
    @Sendable func findings(_ client: RedisClient) async throws -> (text: String, fits: Bool) {
      let (version, memory) = try await HotServer(client: client).check()
      let features = try featureSet()
      try await FeatureRegistry.check(features, client)
      let budget = try budget()
      let limit = memory.limit > 0 ? MemoryBudget.mebibytes(memory.limit) : "no limit"
      let text = "Redis \(version) with time series and search; \(budget.text), maxmemory is \(limit); "
        + "\(features.features.count) features"
      return (text, memory.limit == 0 || budget.bytes <= memory.limit)
    }
    return Need(
      "redis", as: "Redis", condition: "redis",
      open: { [redis] in try redis.makeClient(clientName: ServiceCatalogue.hotWriter.name) },
      check: { client in
        let (text, fits) = try await findings(client)
        guard fits else {
          throw Failure(
            .configuration, code: "redis_memory",
            "\(text): raise maxmemory, or lower --tick-retention, --bar-retention, --tick-series, --bar-series or "
              + "--expected-passages")
        }
        return text
      },
      prepare: { client in
        let (text, fits) = try await findings(client)
        try await FeatureRegistry.register(try featureSet(), client)
        return fits ? text : "\(text): it will be full before the series are as long as their retention"
      },
      close: { await $0.close() })
  }
}
