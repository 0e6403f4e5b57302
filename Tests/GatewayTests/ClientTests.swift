import Core
import Embedding
import Foundation
import LocalServers
import Messages
import Redis
import SearchStore
import Testing
import TestSupport

@testable import GatewayAPI

/// The typed client against the handlers: what the document has, it has, and every answer can be read.
@Suite struct GatewayClientTests {
  @Test func eventsAreReadHoweverTheyAreCut() {
    let stream = Array(":\n\nevent: tick\nid: a-1\ndata: {\"a\":1}\n\n:\n\ndata: one\ndata: two\n\nevent: end\n\n".utf8)
    let expected = [
      GatewayEvent(id: "a-1", kind: "tick", data: "{\"a\":1}"), GatewayEvent(id: nil, data: "one\ntwo"),
    ]
    for size in 1...stream.count {
      var reader = GatewayEvent.Reader()
      let events = stride(from: 0, to: stream.count, by: size).flatMap {
        reader.take(Array(stream[$0..<min(stream.count, $0 + size)]))
      }
      #expect(events == expected, "an event without data is none")
    }
  }
}

extension GatewayProcessTests {
  func client(_ base: String, token: String? = nil) throws -> GatewayClient {
    try GatewayClient(base.replacing("/api/v1", with: ""), token: token)
  }

  /// Operations of a document that the client has no call for, and calls that the document has no operation for.
  func differences(_ base: String) async throws -> (missing: Set<String>, beside: Set<String>) {
    let document = try JSONSerialization.jsonObject(with: Data(try await curl("\(base)/openapi.json").utf8))
    let paths = (document as? [String: Any])?["paths"] as? [String: [String: [String: Any]]] ?? [:]
    let named = Set(paths.values.flatMap { $0.values.compactMap { $0["operationId"] as? String } })
    return (named.subtracting(GatewayClient.operations), GatewayClient.operations.subtracting(named))
  }

  /// What ``textsSignalsAndFeaturesAreServed()`` has put into the store, with types.
  func readTyped(_ client: GatewayClient) async throws {
    let signals = try await client.signals("TXT", names: ["rsi14"], .init(limit: 2))
    #expect(signals.signals.map { $0.values["rsi14"] } == [50, 51] && signals.nextCursor != nil)
    #expect(signals.truth.degraded.isEmpty && signals.truth.batchUntil == nil)
    let rest = try await client.signals("TXT", names: ["rsi14"], .init(cursor: signals.nextCursor))
    #expect(rest.signals.map { $0.values["rsi14"] } == [52])
    #expect(try await client.features("TXT").features["1m:rsi14"] == .number(57.3))
    #expect(try await client.features("TXT", names: ["1m:none"]).unknown == ["1m:none"])
    let then = try await client.featuresAt(
      "TXT", asOf: RFC3339.text(ns: now * 1_000_000), intervals: ["1m", "1d"], names: ["rsi14"])
    #expect(then.intervals["1m"]??.values == ["rsi14": 51] && then.intervals["1d"] == .some(nil))
    #expect(try await client.flow("TXT").events.map(\.premium) == [100_000])
    #expect(try await client.sentiment("TXT").stories.map(\.cluster) == ["c1", "c2"])
    #expect(try await client.news(limit: 2).articles.map(\.id) == ["a2", "a1"])
    #expect(try await client.article("newsapi", "a1").article.title == "T")
    #expect(try await client.gaps("TXT").symbol == "TXT")
    #expect(try await client.ingestionHealth().components == ["hot_store": true])
    let layer = try await client.ingestionStatus().ingestionLayer
    #expect(!layer.kafka.enabled && layer.kafka.consumer == nil && layer.dask.cluster == nil)
    #expect(layer.hotStore?.connected == true && layer.streams.market == nil)
    do {
      _ = try await client.latestTick("NOSUCH1")
      Issue.record("nothing is known of it")
    } catch let error as Failure { #expect(error.code == "unknown_symbol") }
  }

  /// Passages by words, by vectors and by both through the door.
  func searchTyped(_ client: GatewayClient, _ redis: RedisClient) async throws {
    let embedder = HashingEmbedder()
    var keeper = IndexKeeper(.passages)
    for _ in 0..<2 { try await keeper.require(embedder.name, dimensions: embedder.dimensions, redis) }
    let texts = [
      ("p1", "Net sales of iPhone increased in all regions"), ("p2", "The supply chain could be disrupted"),
      ("p3", "We repurchased common stock"),
    ]
    for (id, text) in texts {
      let words = [
        "doc:\(id)", "text", text, "model", embedder.name, "document", "edgar/1", "published_ms", "5", "symbols",
        "AAPL", "form", "10-K", "item", "7", "vector",
      ]
      _ = try await redis.send(RedisCommand(
        "HSET", words.map { Array($0.utf8) } + [VectorBytes.encode(embedder.embed([text])[0])]))
    }
    try await eventually("the index has the passages") {
      try await client.searchFilings("supply chain", mode: "text").passages.map(\.id) == ["p2"]
    }
    let vector = try await client.searchFilings("repurchased common stock", mode: "vector", .init(limit: 1))
    #expect(vector.passages.map(\.id) == ["p3"] && vector.passages[0].textRank == nil)
    let both = try await client.searchFilings("net sales of iPhone", symbols: ["AAPL"], forms: ["10-K"], item: "7")
    #expect(both.mode == "both" && both.passages.first?.id == "p1" && both.passages.first?.textRank == 1)
    #expect(both.passages.first?.vectorRank == 1 && both.model == embedder.name)
    #expect(try await client.searchFilings("net sales", symbols: ["MSFT"]).passages.isEmpty)
  }

  /// Documents of a user and answers that were given.
  func keepTyped(_ client: GatewayClient) async throws {
    let portfolio = GatewayJSON.object(["AAPL": .number(3), "snake_case": .list([.bool(true), .null, .text("x")])])
    try await client.putUserDocument("bob", "portfolio", portfolio)
    #expect(try await client.userDocument("bob", "portfolio").document == portfolio)
    try await client.deleteUserDocument("bob", "portfolio")
    try await client.remember("What is the price of Microsoft?", answer: "400", tags: ["v2"], lifeSeconds: 60)
    try await eventually("the answer is found") {
      let found = try await client.lookUp("What is the price of Microsoft?", tags: ["v2"], threshold: 0.01)
      return found.found && found.answer == "400" && found.tags == ["v2"]
    }
    #expect(try await client.forget(tag: "v2") == 1)
  }
}
