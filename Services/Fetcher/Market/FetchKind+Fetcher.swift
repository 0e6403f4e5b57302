import Catalogue
import Core
import Feeds
import Logging
import Redis
import Sentiment
import Values

/// The adapter of each kind of task. A new kind is a case of `FetchKind`, its topics in `Topics.fetched(by:)`, and an
/// adapter here.
extension FetchKind {
  /// Whether it publishes pointers to bytes that it stores.
  var storesDocuments: Bool { Topics.fetched(by: self).contains(Topics.documents) }

  /// - Parameters:
  ///   - queue: nil: what was published is remembered in this process.
  ///   - shelf: of a kind that stores documents.
  ///   - largest: bytes of one document.
  ///   - names: of companies.
  /// - Throws: a configuration `Failure`.
  func makeAdapter(
    _ queue: RedisMultiplexer?, shelf: DocumentShelf?, largest: Int, names: CompanyBook, _ logger: Logger
  ) throws -> any FetchAdapter {
    switch self {
    case .bars: try BarsAdapter(store: store(queue), logger: logger)
    case .chains: try ChainsAdapter()
    case .news: NewsAdapter(store: store(queue), names: names, logger: logger)
    case .social: SocialAdapter(store: store(queue), names: names, logger: logger)
    case .filings:
      FilingsAdapter(
        store: store(queue), shelf: try Self.needed(shelf), largest: largest, companies: queue, logger: logger)
    case .transcripts:
      TranscriptsAdapter(
        store: store(queue), shelf: try Self.needed(shelf), largest: largest, names: names, logger: logger)
    }
  }

  private static func needed(_ shelf: DocumentShelf?) throws(Failure) -> DocumentShelf {
    guard let shelf else { throw Failure(.fatal, code: "no_object_store", "documents are to be stored nowhere") }
    return shelf
  }

  private func store<History: PublishedHistory>(_ queue: RedisMultiplexer?) -> any HistoryStore<History> {
    if let queue { RedisHistoryStore<History>(queue) } else { MemoryHistoryStore<History>() }
  }
}
