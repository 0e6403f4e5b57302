import Catalogue
import LocalServers
import Synchronization

/// Market feeds: a simulated market at one end, the hot store at the other.
final class LambdaSystem: ShownSystem {
  let system = FleetSystem.lambda
  /// What is asked in the end.
  private let redis = Mutex<PrivateRedis?>(nil)

  func check(_ options: UpOptions) throws {}

  func prepare(_ startup: inout Startup) async throws {
    let server = try await startup.startRedis(modules: true)
    redis.withLock { $0 = server }
    startup.surroundings.servers[.redis] = ["REDIS_URL": server.url]
    try await startup.startObjectStore()
    startup.surroundings.arguments[ServiceCatalogue.archiver.name] = [
      "--rotate-interval", "1s", "--catalogue-interval", "1s",
    ]
    let port = try await startup.startFeeds()
    startup.surroundings.arguments[ServiceCatalogue.marketStreamer.name] = [
      "--feed", "alpaca-stocks", "--feed-url", "ws://127.0.0.1:\(port)/v2/iex",
      "--history-url", "http://127.0.0.1:\(port)", "--feed-key", "key", "--feed-secret", "secret",
      "--symbols", "AAPL,MSFT,NVDA,TSLA,SPY,QQQ,BRK.B", "--hours", "always", "--silence", "3600s",
      "--allow-private-addresses",
    ]
    startup.sources = 1
  }

  /// Asked as a person asks.
  func answers() async throws -> [String] {
    guard let port = redis.withLock({ $0?.port }) else { return [] }
    var lines = ["", "What does Redis hold?", ""]
    for command in ["TS.GET ts:AAPL:price", "HGET trade:AAPL price", "TS.GET ts:AAPL:1m:close",
                    "XLEN stream:raw_market_data"] {
      let words = ["-p", "\(port)"] + command.split(separator: " ").map(String.init)
      let answer = try await ChildProcess.run(Launch("redis-cli", words)).output
      lines.append("redis-cli \(command): \(answer.split(separator: "\n").joined(separator: " "))")
    }
    return lines
  }
}
