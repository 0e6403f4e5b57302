import ArgumentParser
import Catalogue
import Core
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import NewsSimulator
import Testing
import TestSupport

import Glibc

/// The executable, as an operator runs it, with a real Redis and the embedded broker.
@Suite(.timeLimit(.minutes(20))) struct SentimentProcessTests {
  private static let logger = Logger(label: "sentiment-tests")
  private static let topics = [Topics.newsArticles, Topics.newsArticles.deadLetters, Topics.sentimentEvents]
    .map { (name: $0.name, partitions: 4) }

  private func environment(_ broker: EmbeddedBroker, _ redis: String) -> [String: String?] {
    [
      "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "REDIS_URL": redis, "RETRY_CAP": "1s",
      "LEASE_TIMEOUT": "1s", "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
    ]
  }

  private func send(_ broker: EmbeddedBroker, _ articles: [NewsArticle], raw: [[UInt8]] = []) async throws {
    let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
    let producer = try Producer(options.producerConfiguration(clientID: "test", logger: Self.logger))
    var batch = OutgoingBatch()
    for article in articles {
      batch.append(topic: NewsArticle.topic.name, key: article.key, value: article.encoded(), headers: [])
    }
    for value in raw { batch.append(topic: NewsArticle.topic.name, key: [0x78], value: value, headers: []) }
    try await producer.send(batch)
    await producer.close()
  }

  private func events(_ broker: EmbeddedBroker) async throws -> [SentimentEvent] {
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = broker.bootstrapServers
    options.groupId = "reader-\(TestServers.uniqueName())"
    options.kafkaProperty = ["session.timeout.ms=6000", "heartbeat.interval.ms=300"]
    var quiet = Self.logger
    quiet.logLevel = .critical
    let topic = Topics.sentimentEvents.name
    let admin = try options.makeAdmin(clientID: "reader", logger: quiet)
    let ends = try await admin.watermarks(Set((0..<4).map { TopicPartition(topic, $0) }))
    var left = ends.values.reduce(0) { $0 + $1.high - $1.low }
    let consumer = try Consumer(options.consumerConfiguration(clientID: "reader", topics: [topic], logger: quiet))
    var events: [SentimentEvent] = []
    while left > 0, let element = try await consumer.next(before: nil) {
      guard case .batch(let batch) = element else { continue }
      var values: [[UInt8]] = []
      batch.forEach { values.append($0.valueBytes) }
      for value in values { events.append(try SentimentEvent(decoding: value)) }
      left -= Int64(batch.count)
    }
    consumer.close()
    while let element = try await consumer.next(before: nil) {
      if case .revoking(_, let answer) = element { answer.done(committing: [:]) }
    }
    return events
  }

  /// Killed in the middle, without its Redis and its broker, frozen while the other one takes over, and read again by a
  /// new group: the events are the truth of the corpus.
  @Test func killsFreezesAndOutagesLoseAndRepeatNothing() async throws {
    let redis = try await PrivateRedis.start(["--appendonly", "yes", "--appendfsync", "always"])
    let broker = try EmbeddedBroker(topics: Self.topics)
    defer { broker.close() }
    let environment = environment(broker, redis.url)
    let corpus = NewsCorpus(seed: 11, stories: 120)
    let all = News.articles(corpus)
    let articles = all.filter { !$0.withdrawn }
    let third = articles.count / 3
    func start() async throws -> ServiceProcess {
      try await ServiceProcess.start("sentiment-worker", ["--flush-articles", "10"], environment: environment)
    }
    var first = try await start()
    let second = try await start()
    try await first.awaitReady()
    try await send(broker, Array(articles[..<third]), raw: [Array("no article".utf8)])
    try await eventually("some events are there") { try await !events(broker).isEmpty }
    await first.kill()
    try await send(broker, Array(articles[third..<2 * third]))
    first = try await start()
    try await first.awaitReady()
    await redis.halt()
    try await send(broker, Array(articles[(2 * third)...]))
    try await eventually("not ready") {
      let codes = [await first.get("/readyz")?.status, await second.get("/readyz")?.status]
      return codes.contains(503)
    }
    // The broker goes before Redis is back: what is in hand can be clustered and not be published.
    broker.takeDown()
    try await redis.resume()
    try await eventually("there is no broker") {
      let up = [
        await first.metrics().sum("souk_kafka_brokers_up"), await second.metrics().sum("souk_kafka_brokers_up"),
      ]
      return up == [0, 0]
    }
    broker.bringUp()
    try await eventually("ready again") {
      let codes = [await first.get("/readyz")?.status, await second.get("/readyz")?.status]
      return codes == [200, 200]
    }
    second.signal(SIGSTOP)
    try await send(broker, all.filter(\.withdrawn))
    try await eventually("the other one takes over", interval: .milliseconds(200)) {
      let metrics = await first.metrics()
      return (0..<4).allSatisfy { partition in
        metrics.sum(
          "souk_kafka_lag_records", where: ["topic": Topics.newsArticles.name, "partition": "\(partition)"]) == 0
      }
    }
    second.signal(SIGCONT)
    func settled(_ processes: [ServiceProcess]) async -> Bool {
      var lag = 0.0
      for process in processes { lag += await process.metrics().sum("souk_kafka_lag_records") ?? 1 }
      return lag == 0
    }
    try await eventually("all is read", interval: .milliseconds(200)) {
      guard await settled([first, second]) else { return false }
      let holding = SentimentFixture.holding(try await events(broker)).filter { !$0.withdrawn }
      return holding.count == corpus.stories.count { !$0.outlets.isEmpty }
    }
    #expect(await first.terminate() == .exited(0))
    #expect(await second.terminate() == .exited(0))
    let holding = SentimentFixture.holding(try await events(broker))
    try Truth.expect(holding, corpus)
    // Everything once more, by a new group: no event changes.
    let again = try await ServiceProcess.start("sentiment-worker", ["--group-id", "again"], environment: environment)
    try await eventually("all are read again") {
      await again.metrics().sum("souk_records_kept_total") == Double(all.count)
    }
    #expect(await again.metrics().sum("souk_records_dead_lettered_total") == 1)
    #expect(await again.terminate() == .exited(0))
    #expect(SentimentFixture.holding(try await events(broker)) == holding)
    await redis.stop()
  }

  @Test func wrongSettingsStopItBeforeWork() async throws {
    let redis = try await TestServers.redis()
    let broker = try EmbeddedBroker(topics: Self.topics)
    defer { broker.close() }
    for (arguments, said) in [
      (["--lexicon", "/etc/hostname"], "SHA-256"), (["--lexicon", "/no/such"], "cannot read"),
      (["--names", "/etc/hostname"], "company_tickers.json"), (["--delivery", "exactly-once"], "exactly-once"),
    ] {
      let outcome = try await ServiceProcess.run(
        "sentiment-worker", arguments + ["--check"],
        environment: environment(broker, redis.url).merging(["HTTP_PORT": "0"]) { $1 })
      #expect(outcome.status == .exited(78))
      #expect((outcome.output + outcome.errorOutput).contains(said), "\(outcome.errorOutput)")
    }
  }
}
