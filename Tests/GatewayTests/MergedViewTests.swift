import Compression
import Core
import Foundation
import LocalServers
import Messages
import Redis
import ServiceKit
import Testing
import TestSupport
import Values

/// The executable over a lake in a folder and a real Redis: batch below the boundary, live above it.
@Suite(.timeLimit(.minutes(20))) struct MergedViewTests {
  private static let minute: Int64 = 60_000

  /// A lake as the batch layer writes it: parts, then the manifest, then the pointer.
  private struct LakeFolder {
    let path: String
    let symbol: String

    func publish(_ sequence: Int64, _ bars: [FeedBar], covers: Range<Int64>) throws {
      let lines = bars.flatMap { $0.encoded() + [UInt8(ascii: "\n")] }
      let packed = try #require(Deflate.gzip(lines))
      let (run, part) = ("run-\(sequence)", "lake/bars/date=2026-03-02/symbol=\(symbol)/run-\(sequence)")
      let times = bars.map(\.values.startNs)
      try write("\(part).jsonl.gz", packed)
      let manifest = """
        {"format":1,"dataset":"bars","schema":"bars/1","run":"\(run)","job":"nightly","kind":"compact","code":"0",\
        "sequence":\(sequence),"previous":null,"created_ns":1,"inputs":[],"parts":[{"key":"\(part).parquet",\
        "lines":"\(part).jsonl.gz","date":"2026-03-02","symbol":"\(symbol)","rows":\(bars.count),"bytes":1,\
        "sha256":"0","lines_sha256":"\(SHA256.hash(packed).hex)","min_ns":\(times.min() ?? 0),\
        "max_ns":\(times.max() ?? 0),"run":"\(run)"}],"boundaries":[{"symbol":"\(symbol)","covers":[\
        {"from_ns":\(covers.lowerBound * 1_000_000),"until_ns":\(covers.upperBound * 1_000_000)}]}]}
        """
      let key = "lake/bars/manifests/\(run).json", bytes = Array(manifest.utf8)
      try write(key, bytes)
      try write("lake/bars/current/00000000000\(sequence).json", Array("""
        {"sequence":\(sequence),"manifest":"\(key)","sha256":"\(SHA256.hash(bytes).hex)","run":"\(run)"}
        """.utf8))
    }

    private func write(_ key: String, _ bytes: [UInt8]) throws {
      let file = URL(filePath: "\(path)/\(key)")
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(bytes).write(to: file)
    }
  }

  private func bar(_ symbol: String, _ start: Int64, _ close: Int, known: Int64 = 0) -> FeedBar {
    let price = ExactDecimal(Int32(close))
    return FeedBar(
      symbol: symbol, feed: "polygon-stocks", interval: "1m", values: FeedBarValues(
        startNs: start * 1_000_000, knownNs: start * 1_000_000 + known, open: price, high: price, low: price,
        close: price, volume: price))
  }

  private func get(_ url: String) async throws -> (status: Int, body: [String: Any]) {
    let launch = Launch(
      try Program.require("curl", package: "curl"), ["-s", "--max-time", "60", "-w", "\n%{http_code}", url])
    let output = try await ChildProcess.run(launch, atMost: .seconds(120)).output
    let parts = output.split(separator: "\n")
    let body = try JSONSerialization.jsonObject(with: Data(parts.dropLast().joined(separator: "\n").utf8))
    return (try #require(parts.last.flatMap { Int($0) }), try #require(body as? [String: Any]))
  }

  private func rows(_ body: [String: Any]) -> [String] {
    (body["bars"] as? [[String: Any]] ?? []).map { bar in
      "\(bar["source"] as? String ?? "-") \((bar["close"] as? NSNumber)?.intValue ?? -1)"
    }
  }

  @Test func barsAreOfExactlyOneSide() async throws {
    let server = try await PrivateRedis.start(modules: true)
    let port = try SwitchedPort(to: Int(try RedisURL(server.url).port))
    let symbol = "MERGED"
    let first = (WallClock.milliseconds() - 3_600_000) / Self.minute * Self.minute
    func at(_ minute: Int) -> Int64 { first + Int64(minute) * Self.minute }
    // Live: ten minutes, of which the first are known to the batch layer with other, later numbers.
    let redis = RedisClient(RedisConfiguration(url: try RedisURL(server.url)))
    var commands: [RedisCommand] = []
    for field in ["open", "high", "low", "close", "volume"] {
      commands.append(RedisCommand("TS.CREATE", "ts:\(symbol):1m:\(field)", "DUPLICATE_POLICY", "LAST"))
      for minute in 0..<10 {
        commands.append(RedisCommand("TS.ADD", "ts:\(symbol):1m:\(field)", "\(at(minute))", "\(100 + minute)"))
      }
    }
    try await redis.sendAll(commands)
    try await withTemporaryDirectory { folder in
      let lake = LakeFolder(path: folder, symbol: symbol)
      // A revised bar counts once, and one that the batch layer does not cover is left to the live side.
      try lake.publish(1, (0..<6).map { bar(symbol, at($0), 200 + $0) } + [bar(symbol, at(1), 301, known: 5)],
                       covers: at(0)..<at(4))
      let api = try FreePort.next()
      let process = try await ServiceProcess.start("gateway", [], environment: [
        "API_PORT": "\(api)", "REDIS_URL": "redis://127.0.0.1:\(port.port)/0", "KAFKA_ENABLED": "false",
        "VIEWS_ENABLED": "true", "VIEWS_REFRESH": "100ms", "OBJECT_STORE": "file://\(folder)",
      ])
      try await process.awaitReady()
      let base = "http://127.0.0.1:\(api)/api/v1/bars/\(symbol)"

      let whole = try await get(base)
      #expect(whole.status == 200)
      let merged = ["batch 200", "batch 301", "batch 202", "batch 203"] + (4..<10).map { "live 10\($0)" }
      #expect(rows(whole.body) == merged)
      #expect(whole.body["run"] as? String == "run-1")
      #expect((whole.body["gaps"] as? [Any])?.isEmpty == true && (whole.body["degraded"] as? [Any])?.isEmpty == true)
      #expect(whole.body["batch_until"] as? String == RFC3339.text(ns: at(4) * 1_000_000))

      // A page pins its run: the next one is of it, though another holds by then.
      let page = try await get("\(base)?limit=3")
      try lake.publish(2, (0..<9).map { bar(symbol, at($0), 500 + $0) }, covers: at(0)..<at(9))
      try await eventually("the next run holds") { try await get(base).body["run"] as? String == "run-2" }
      #expect(rows(try await get(base).body) == (0..<9).map { "batch 50\($0)" } + ["live 109"])
      let cursor = try #require(page.body["next_cursor"] as? String)
      let rest = try await get("\(base)?limit=100&cursor=\(cursor)")
      #expect(rows(page.body) + rows(rest.body) == merged)
      try FileManager.default.removeItem(atPath: "\(folder)/lake/bars/current/000000000001.json")

      // Redis away: the batch layer answers up to its boundary, and what is behind it is said to be missing.
      port.lead(to: 1)
      let batch = try await get("\(base)?start=\(RFC3339.text(ns: at(0) * 1_000_000))")
      #expect(batch.status == 200 && batch.body["degraded"] as? [String] == ["redis"])
      #expect(rows(batch.body) == (0..<9).map { "batch 50\($0)" })
      #expect((batch.body["gaps"] as? [[String: Any]])?.map { $0["reason"] as? String } == ["live_away"])
      port.lead(to: Int(try RedisURL(server.url).port))
      try await eventually("the store is back") {
        try await get(base).body["degraded"] as? [String] == []
      }
      #expect(await process.terminate() == .exited(0))
    }
    await server.stop()
  }
}
