import Core
import Messages
import Values

/// What was published of the recent articles of one question, as one text: the time of the newest article, then a line
/// for each article with its id, its time and a digest of what it says.
package struct NewsHistory: Hashable, Sendable {
  struct Known: Hashable, Sendable {
    var publishedAt: Int64
    var digest: String
  }

  /// Microseconds since 1970 of the newest article that was ever seen; nil before the first.
  var newest: Int64?
  var articles: [String: Known] = [:]

  package init() {}

  /// - Returns: nil for a text of another form: what it remembered is published again.
  package init?(_ text: String) {
    var lines = text.split(separator: "\n")[...]
    guard let first = lines.popFirst(), let newest = Int64(first) else { return nil }
    self.newest = newest == 0 ? nil : newest
    for line in lines {
      let words = line.split(separator: " ")
      guard words.count == 3, let time = Int64(words[1]) else { return nil }
      articles[String(words[0])] = Known(publishedAt: time, digest: String(words[2]))
    }
  }

  package var text: String {
    let lines = articles.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.publishedAt) \($0.value.digest)" }
    return (["\(newest ?? 0)"] + lines).joined(separator: "\n")
  }

  // MARK: Deciding

  struct Changes: Sendable {
    /// New and changed articles, and withdrawals.
    var articles: [NewsArticle] = []
    /// Removed rows of which it is not known which article they were.
    var unknown = 0
  }

  /// - Parameters:
  ///   - from: the earliest time that was asked about; what is older is forgotten.
  ///   - isWhole: the pages are all that the provider has since `from`: what is missing in them is gone.
  mutating func take(
    _ found: [NewsArticle], removed: [Timestamp], from: Timestamp, isWhole: Bool, source: String, knownAt: Timestamp
  ) -> Changes {
    var changes = Changes()
    var seen: Set<String> = []
    for article in found where seen.insert(article.id).inserted {
      let state = Known(publishedAt: article.publishedAt.microseconds, digest: Self.digest(article))
      if articles[article.id] != state { changes.articles.append(article) }
      articles[article.id] = state
      newest = max(newest ?? .min, state.publishedAt)
    }
    // A removed row has nothing but its time: it is the article of that time that is missing, if there is no doubt.
    for (time, rows) in Dictionary(grouping: removed, by: \.microseconds).sorted(by: { $0.key < $1.key }) {
      newest = max(newest ?? .min, time)
      let missing = articles.filter { $0.value.publishedAt == time && !seen.contains($0.key) }.keys.sorted()
      guard isWhole, !missing.isEmpty, missing.count <= rows.count else {
        changes.unknown += rows.count
        continue
      }
      changes.unknown += rows.count - missing.count
      for id in missing {
        articles[id] = nil
        changes.articles.append(NewsArticle(
          source: source, id: id, outlet: "", url: "", title: "", publishedAt: Timestamp(microseconds: time) ?? knownAt,
          knownAt: knownAt, withdrawn: true))
      }
    }
    articles = articles.filter { $0.value.publishedAt >= from.microseconds }
    return changes
  }

  private static func digest(_ article: NewsArticle) -> String {
    String(SHA256.hash("\(article.title)\n\(article.description ?? "")\n\(article.outlet)").hex.prefix(16))
  }
}
