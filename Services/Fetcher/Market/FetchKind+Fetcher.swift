import Core
import Feeds
import Logging
import Redis
import Values

/// The adapter of each kind of task. A new kind is a case of `FetchKind`, its topics in `Topics.fetched(by:)`, and an
/// adapter here.
extension FetchKind {
  /// - Parameter queue: nil: what was published is remembered in this process.
  /// - Throws: a configuration `Failure`.
  func makeAdapter(_ queue: RedisMultiplexer?, _ logger: Logger) throws -> any FetchAdapter {
    switch self {
    case .bars: try BarsAdapter(store: store(queue), logger: logger)
    case .news: NewsAdapter(store: store(queue), logger: logger)
    case .social: SocialAdapter(store: store(queue), logger: logger)
    }
  }

  private func store<History: PublishedHistory>(_ queue: RedisMultiplexer?) -> any HistoryStore<History> {
    if let queue { RedisHistoryStore<History>(queue) } else { MemoryHistoryStore<History>() }
  }
}
