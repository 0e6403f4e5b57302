import Catalogue

/// Market feeds: a simulated market at one end, the hot store at the other.
final class LambdaSystem: ShownSystem {
  let system = FleetSystem.lambda

  func check(_ options: UpOptions) throws {}

  func prepare(_ startup: inout Startup) async throws {
    startup.surroundings.servers[.redis] = ["REDIS_URL": try await startup.startRedis()]
    let port = try await startup.startFeeds()
    startup.surroundings.arguments[ServiceCatalogue.marketStreamer.name] = [
      "--feed", "alpaca-stocks", "--feed-url", "ws://127.0.0.1:\(port)/v2/iex",
      "--history-url", "http://127.0.0.1:\(port)", "--feed-key", "key", "--feed-secret", "secret",
      "--symbols", "AAPL,MSFT,NVDA,TSLA,SPY,QQQ,BRK.B", "--hours", "always", "--allow-private-addresses",
    ]
    startup.sources = 1
  }

  func answers() async throws -> [String] { [] }
}
