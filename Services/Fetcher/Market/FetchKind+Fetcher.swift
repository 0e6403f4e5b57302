import Catalogue
import Core
import Feeds
import Logging
import Redis
import Values

/// What the fetcher knows of each kind of task: where its messages go, and its adapter. A new kind is a case of
/// `FetchKind`, an entry here and an adapter.
extension FetchKind {
  var outputs: [Topic] {
    switch self {
    case .bars: [Topics.marketBars]
    }
  }

  /// - Parameter queue: nil: what was published is remembered in this process.
  /// - Throws: a configuration `Failure`.
  func makeAdapter(_ queue: RedisMultiplexer?, _ logger: Logger) throws -> any FetchAdapter {
    switch self {
    case .bars: try BarsAdapter(store: queue.map { RedisBarStore($0) } ?? MemoryBarStore(), logger: logger)
    }
  }
}
