import ArgumentParser
import Catalogue
import Core
import EmbeddingFlags
import Foundation
import Kafka
import KafkaFlags
import Logging
import ModelRegistry
import ObjectStoreFlags
import Pipeline
import Redis
import RedisFlags
import Sentiment
import ServiceKit

/// `sentiment-worker`: without a subcommand, the service; `train` makes a model head.
package struct SentimentProgram: ServiceProgram {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.sentimentWorker.name,
    abstract: "Cluster articles and posts into stories, and publish what each says of the companies it mentions.",
    version: Souk.version, subcommands: [SentimentWorkerCommand.self, TrainCommand.self],
    defaultSubcommand: SentimentWorkerCommand.self)

  package init() {}
}

/// `sentiment-worker run`: articles into stories, and what they say of symbols.
struct SentimentWorkerCommand: ServiceCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Cluster articles and posts into stories, and publish what each says of the companies it mentions.",
    discussion: """
      Consumes \(Topics.newsArticles.name) and \(Topics.socialPosts.name), publishes \(Topics.sentimentEvents.name). \
      A story that forty outlets print is one event with forty sources for each symbol. Replicas share the stories in \
      Redis: a text that is read again, by whichever replica, changes nothing.
      """,
    version: Souk.version)

  @OptionGroup(title: "Sentiment") var sentiment: SentimentOptions
  @OptionGroup(title: "Vectors of the model head") var embedding: EmbeddingOptions
  @OptionGroup(title: "Object store of the model head") var objectStore: ObjectStoreOptions
  @OptionGroup(title: "Redis") var redis: RedisOptions
  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") var pipeline: PipelineOptions
  @OptionGroup(title: "Service") var service: ServiceOptions

  static let metrics: [MetricDescription] =
    SentimentMetrics.descriptions + RedisMetrics.descriptions + PipelineMetrics.sinks

  func work(_ needs: Needs) -> Work {
    let consumer = needs.consumer(ServiceCatalogue.sentimentWorker, kafka, pipeline)
    let reader = needs.add(Need(
      "lexicon", open: { [sentiment, kafka] in
        // Stories are written before their events: inside a transaction that is taken back they would be known.
        guard kafka.delivery != .exactlyOnce else {
          throw Failure(
            .configuration, code: "delivery_unsupported",
            "--delivery exactly-once is not for sentiment-worker: a repeated event has the same revision and changes "
              + "nothing")
        }
        return try sentiment.reader()
      },
      check: { "\($0.scorer.lexicon.name): \($0.scorer.lexicon.valences.count) words" }))
    let client = needs.add(Need(
      "redis", as: "Redis", condition: "redis",
      open: { [redis] in try redis.makeClient(clientName: ServiceCatalogue.sentimentWorker.name) },
      check: { client in
        try await client.ping()
        return "answers"
      },
      prepare: { client in
        try await client.ping()
        return ""
      },
      close: { await $0.close() }))
    let head = sentiment.head.map { needs.add(headNeed($0, needs.logger)) }
    if let head { needs.beside { try await head.value.models.run() } }
    return consumer.sink(sentiment.policy) { [sentiment] output in
      let fence = "\(ProcessInfo.processInfo.hostName)-\(UInt64.random(in: 0 ... .max))"
      let store = StoryStore(try client.value, sentiment.store, fence: fence)
      let companies = CompanyBook(
        try reader.value.mentions.names,
        updatedBy: sentiment.names == nil ? RedisMultiplexer(try client.value) : nil)
      return SentimentSink(
        try reader.value, store, sentiment.stories, head: try head?.value, companies: companies,
        identity: consumer.identity
      ) { try await output.send([$0], for: [:]) }
    }
  }

  /// The model head: nothing is read before there is one.
  private func headNeed(_ name: String, _ logger: Logger) -> Need<HeadScorer> {
    Need(
      "model head", as: "the model head", condition: "model_head",
      open: { [objectStore, embedding, sentiment] in
        let embedder = try embedding.embedder()
        let models = WatchedModel<SentimentHead>(
          ModelRegistry(try objectStore.makeStore()), name: name, interval: sentiment.headInterval.duration,
          logger: logger, version: { $0.version }
        ) { try HeadScorer.read($0, embedder) }
        return HeadScorer(name, models, embedder)
      },
      check: { try await $0.models.load() })
  }
}
