/// A kind of work for the fetcher, with topics of its own. The prices and demands of materials are older: their topic
/// is `ingestion_tasks`, and they are no case of it.
package enum FetchKind: String, CaseIterable, Hashable, Sendable {
  /// Open, high, low, close and volume by interval.
  case bars
  /// Snapshots of the options on a symbol.
  case chains
  /// Articles about companies, and their withdrawals.
  case news
  /// Posts of people, and their withdrawals.
  case social
  /// Annual and quarterly reports of companies, and their withdrawals.
  case filings
  /// What was said at earnings calls, and their withdrawals.
  case transcripts
}
