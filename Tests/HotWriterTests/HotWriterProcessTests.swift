import ArgumentParser
import Catalogue
import Core
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Redis
import SearchStore
import Testing
import TestSupport
import Values

import Glibc

/// The executable, as an operator runs it, with a real Redis and the embedded broker.
@Suite struct HotWriterProcessTests {
  private static let logger = Logger(label: "hot-writer-tests")
  private static let inputs = ServiceCatalogue.hotWriter.inputs
  private static let topics = inputs.flatMap { [$0, $0.deadLetters] }.map { (name: $0.name, partitions: 4) }

  private func environment(_ broker: EmbeddedBroker, _ redis: String) -> [String: String?] {
    [
      "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "REDIS_URL": redis, "RETRY_CAP": "1s",
      "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
    ]
  }

  private func send(
    _ broker: EmbeddedBroker, _ records: [(topic: Topic, symbol: String, value: [UInt8])]
  ) async throws {
    let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
    let producer = try Producer(options.producerConfiguration(clientID: "test", logger: Self.logger))
    var batch = OutgoingBatch()
    for record in records {
      batch.append(topic: record.topic.name, key: Array(record.symbol.utf8), value: record.value, headers: [])
    }
    try await producer.send(batch)
    await producer.close()
  }

  private static func at(_ ago: Int64) -> Timestamp { Timestamp(microseconds: (Feeding.now - ago) * 1_000)! }

  /// An article and a passage of a symbol.
  private static func texts(
    _ symbol: String, _ id: String, _ text: String, known: Int64
  ) -> [(topic: Topic, symbol: String, value: [UInt8])] {
    let article = NewsArticle(
      source: "newsapi", id: id, outlet: "Reuters", url: "https://reuters.example/\(id)", title: text,
      publishedAt: at(200_000), knownAt: at(known))
    let document = Document(
      source: "edgar", id: id, kind: .filing, issuer: symbol, form: "10-K", url: "https://sec.example/\(id)",
      object: "s3://documents/\(id)", sha256: String(repeating: "0", count: 64), bytes: 1, publishedAt: at(200_000),
      knownAt: at(known))
    var chunk = DocumentChunk(
      id: id, of: document, part: nil, item: "7", heading: "Discussion", ordinal: 0, text: text, tokens: 5)
    chunk.model = "test-2"
    chunk.floats = [1, Float(known)]
    return [(Topics.newsArticles, symbol, article.encoded()), (Topics.documentChunks, symbol, chunk.encoded())]
  }

  private func expectTexts(_ id: String, _ text: String, _ fixture: HotFixture) async throws {
    #expect(try await fixture.ask("HGET", "news:newsapi/\(id)", "title").text == text)
    #expect(try await fixture.ask("HGET", "doc:\(id)", "text").text == text)
  }

  /// Killed, without its server, and with a full one: all series and texts are what was sent, and nothing but the wrong
  /// record is a dead letter.
  @Test(.timeLimit(.minutes(20))) func killsAndOutagesLoseNothing() async throws {
    // Kept on disk, as an operator would, so that an outage is one and not a loss.
    let fixture = try await HotFixture(["--appendonly", "yes", "--appendfsync", "always"])
    let broker = try EmbeddedBroker(topics: Self.topics)
    defer { broker.close() }
    let environment = environment(broker, fixture.server.url)
    let symbols = (0..<20).map { "S\($0)" }
    var truth: [String: [Int64: Double]] = [:]
    func part(_ number: Int) -> [(topic: Topic, symbol: String, value: [UInt8])] {
      symbols.flatMap { symbol in
        (0..<50).flatMap { index -> [(topic: Topic, symbol: String, value: [UInt8])] in
          let (ago, price) = (Int64(100_000 - number * 1_000 - index), "\(number + 1).\(index + 10)")
          truth["ts:\(symbol):price", default: [:]][Feeding.now - ago] = Double(price)
          let minute = Int64(index % 10 + 1)
          truth["ts:\(symbol):1m:close", default: [:]][(Feeding.now / 60_000 - minute) * 60_000] = Double(price)
          return [
            (Topics.marketTicks, symbol, Feeding.trade(symbol, ago: ago, price)),
            (Topics.marketBars, symbol, Feeding.bar(symbol, minute: minute, close: price)),
          ]
        } + Self.texts(symbol, "\(symbol)-\(number)", "part \(number)", known: 100_000)
      }
    }
    var writer = try await ServiceProcess.start("hot-writer", [], environment: environment)
    try await writer.awaitReady()
    var first = part(0)
    first.insert((Topics.marketTicks, "S1", Array("no tick".utf8)), at: 40)
    first.insert((Topics.marketTicks, "S2", Feeding.trade("S2", ago: -3_600_000, "1")), at: 60)
    try await send(broker, first)
    // In the middle of it.
    try await eventually("some are written") { try await fixture.samples("ts:S0:price").count > 0 }
    await writer.kill()
    try await send(broker, part(1))
    writer = try await ServiceProcess.start("hot-writer", [], environment: environment)
    try await fixture.awaitSamples(truth, "all is there after a kill")
    // The server is away.
    await fixture.server.halt()
    try await send(broker, part(2))
    try await eventually("not ready") { await writer.get("/readyz")?.status == 503 }
    try await fixture.server.resume()
    try await fixture.awaitSamples(truth, "all is there after an outage")
    // The server is full.
    try await fixture.ask("CONFIG", "SET", "maxmemory", "1000000")
    try await send(broker, part(3))
    try await eventually("not ready") { await writer.get("/readyz")?.status == 503 }
    try await fixture.ask("CONFIG", "SET", "maxmemory", "0")
    try await fixture.awaitSamples(truth, "all is there once there is memory")
    #expect(await writer.metrics().sum("souk_records_dead_lettered_total") ?? 0 <= 2)
    #expect(await writer.terminate() == .exited(0))
    // Everything once more, by a new group: nothing changes.
    let again = try await ServiceProcess.start("hot-writer", ["--group-id", "again"], environment: environment)
    try await eventually("all are read again") {
      await again.metrics().sum("souk_records_kept_total") == Double(4 * symbols.count * 102)
    }
    for symbol in symbols {
      for number in 0..<4 { try await expectTexts("\(symbol)-\(number)", "part \(number)", fixture) }
    }
    #expect(try await fixture.ask("XLEN", "stream:raw_news").integer == Int64(4 * symbols.count))
    try await eventually("all passages are indexed") {
      IndexState(try await fixture.ask("FT.INFO", "idx:docs"))?.documents == Int64(4 * symbols.count)
    }
    for (key, samples) in truth { #expect(try await fixture.samples(key) == samples) }
    #expect(await again.metrics().sum("souk_records_dead_lettered_total") == 2)
    #expect(await again.metrics().sum("souk_hot_tail_repeated_total") == Double(4 * symbols.count * 100))
    #expect(await again.terminate() == .exited(0))
    await fixture.server.stop()
  }

  /// A process that is frozen while another one takes over does no harm when it goes on; a frozen server is waited for.
  @Test(.timeLimit(.minutes(15))) func freezesLoseAndRevertNothing() async throws {
    let fixture = try await HotFixture()
    let broker = try EmbeddedBroker(topics: Self.topics)
    defer { broker.close() }
    let environment = environment(broker, fixture.server.url)
    let symbols = (0..<10).map { "F\($0)" }
    var truth: [String: [Int64: Double]] = [:]
    /// Each later part has later states of the same bars, and ticks of its own.
    func part(_ number: Int) -> [(topic: Topic, symbol: String, value: [UInt8])] {
      symbols.flatMap { symbol in
        (0..<20).flatMap { index -> [(topic: Topic, symbol: String, value: [UInt8])] in
          let (ago, price) = (Int64(100_000 - number * 1_000 - index), "\(number + 1).\(index + 10)")
          truth["ts:\(symbol):price", default: [:]][Feeding.now - ago] = Double(price)
          let minute = Int64(index + 1)
          truth["ts:\(symbol):1m:close", default: [:]][(Feeding.now / 60_000 - minute) * 60_000] = Double(price)
          let bar = Feeding.bar(
            symbol, minute: minute, close: price, revision: Int64(number), known: Int64(number) * 1_000)
          let trade = Feeding.trade(symbol, ago: ago, price)
          return [(Topics.marketTicks, symbol, trade), (Topics.marketBars, symbol, bar)]
        } + Self.texts(symbol, symbol, "state \(number)", known: 100_000 - Int64(number) * 1_000)
      }
    }
    let first = try await ServiceProcess.start("hot-writer", [], environment: environment)
    try await first.awaitReady()
    try await send(broker, part(0))
    try await fixture.awaitSamples(truth, "the first part is there")
    first.signal(SIGSTOP)
    try await send(broker, part(1))
    let second = try await ServiceProcess.start("hot-writer", [], environment: environment)
    try await fixture.awaitSamples(truth, "the other one takes over")
    try await send(broker, part(2))
    try await fixture.awaitSamples(truth, "and goes on")
    first.signal(SIGCONT)
    try await send(broker, part(3))
    try await fixture.awaitSamples(truth, "with both of them")
    fixture.server.signal(SIGSTOP)
    try await send(broker, part(4))
    try await eventually("a frozen server is noticed") {
      let (one, other) = (await first.get("/readyz")?.status, await second.get("/readyz")?.status)
      return one == 503 || other == 503
    }
    fixture.server.signal(SIGCONT)
    try await fixture.awaitSamples(truth, "all is there once the server goes on")
    // Of a text, Redis holds the state that was known last, in whatever order the replicas wrote.
    try await eventually("all texts are the last ones", interval: .milliseconds(200)) {
      for symbol in symbols {
        guard try await fixture.ask("HGET", "news:newsapi/\(symbol)", "title").text == "state 4",
          try await fixture.ask("HGET", "doc:\(symbol)", "text").text == "state 4" else { return false }
      }
      return true
    }
    for process in [first, second] {
      #expect(await process.metrics().sum("souk_records_dead_lettered_total") ?? 0 == 0)
      #expect(await process.terminate() == .exited(0))
    }
    await fixture.server.stop()
  }

  @Test(.timeLimit(.minutes(15))) func aServerWithoutTimeSeriesIsRefused() async throws {
    let plain = try await TestServers.redis()
    let broker = try EmbeddedBroker(topics: Self.topics)
    defer { broker.close() }
    for arguments in [["--check"], []] {
      let outcome = try await ServiceProcess.run(
        "hot-writer", arguments, environment: environment(broker, plain.url).merging(["HTTP_PORT": "0"]) { $1 })
      #expect(outcome.status == .exited(78))
      #expect((outcome.output + outcome.errorOutput).contains("RedisTimeSeries"))
    }
  }
}
