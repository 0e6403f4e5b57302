import Catalogue
import LocalServers

/// Market feeds: a simulated market at one end, the hot store at the other.
final class LambdaSystem: ShownSystem {
  let system = FleetSystem.lambda

  func check(_ options: UpOptions) throws {}

  func prepare(_ ground: inout Ground) async throws {
    let redis = try await ground.infrastructure.startRedis(&ground.running, &ground.teardown).url
    ground.running.surroundings.servers[.redis] = ["REDIS_URL": redis]
    let port = try await ground.infrastructure.startFeeds(&ground.running, &ground.teardown)
    ground.running.surroundings.arguments[ServiceCatalogue.marketStreamer.name] = [
      "--feed", "alpaca-stocks", "--feed-url", "ws://127.0.0.1:\(port)/v2/iex",
      "--history-url", "http://127.0.0.1:\(port)", "--feed-key", "key", "--feed-secret", "secret",
      "--symbols", "AAPL,MSFT,NVDA,TSLA,SPY,QQQ,BRK.B", "--hours", "always", "--allow-private-addresses",
    ]
    ground.running.sources = 1
  }

  func answers() async throws -> [String] { [] }
}
