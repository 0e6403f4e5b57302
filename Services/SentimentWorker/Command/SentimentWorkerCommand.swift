import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import KafkaFlags
import Pipeline
import Redis
import RedisFlags
import Sentiment
import ServiceKit

/// `sentiment-worker`: articles into stories, and what they say of symbols.
package struct SentimentWorkerCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.sentimentWorker.name,
    abstract: "Cluster articles and posts into stories, and publish what each says of the companies it mentions.",
    discussion: """
      Consumes \(Topics.newsArticles.name) and \(Topics.socialPosts.name), publishes \(Topics.sentimentEvents.name). \
      A story that forty outlets print is one event with forty sources for each symbol. Replicas share the stories in \
      Redis: a text that is read again, by whichever replica, changes nothing.
      """,
    version: Souk.version)

  @OptionGroup(title: "Sentiment") package var sentiment: SentimentOptions
  @OptionGroup(title: "Redis") package var redis: RedisOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics: [MetricDescription] =
    SentimentMetrics.descriptions + RedisMetrics.descriptions + PipelineMetrics.sinks

  package func work(_ needs: Needs) -> Work {
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
    return consumer.sink(sentiment.policy) { [sentiment] _, producer in
      let fence = "\(ProcessInfo.processInfo.hostName)-\(UInt64.random(in: 0 ... .max))"
      let store = StoryStore(try client.value, sentiment.store, fence: fence)
      return SentimentSink(
        try reader.value, store, sentiment.stories, identity: consumer.identity) { try await producer.send($0) }
    }
  }
}
