import Catalogue
import Values

/// A text as it was published, or its withdrawal.
///
/// `news-articles`, key and order `source/id`. The last record of a key holds: a changed text replaces the earlier one,
/// and a withdrawal (`withdrawn`, without any text) has to remove it wherever it was kept.
package struct NewsArticle: FieldwiseMessage {
  /// Where it was collected: `newsapi`.
  package var source: String
  /// Within the source; of sources that have none, made from the canonical address.
  package var id: String
  /// Who published it, as the source names them: `Reuters`. Copies in several outlets are one story.
  package var outlet: String
  /// Canonical; empty in a withdrawal.
  package var url: String
  package var title: String
  package var description: String?
  package var author: String?
  /// ISO 639-1, as the source says.
  package var language: String?
  /// By the outlet.
  package var publishedAt: Timestamp
  /// When it was collected; of a withdrawal, when that was noticed.
  package var knownAt: Timestamp
  package var withdrawn: Bool
  /// The task that it came from.
  package var jobID: String?

  package static let topic = Topics.newsArticles

  package init(
    source: String, id: String, outlet: String, url: String, title: String, description: String? = nil,
    author: String? = nil, language: String? = nil, publishedAt: Timestamp, knownAt: Timestamp, withdrawn: Bool = false,
    jobID: String? = nil
  ) {
    self.source = source
    self.id = id
    self.outlet = outlet
    self.url = url
    self.title = title
    self.description = description
    self.author = author
    self.language = language
    self.publishedAt = publishedAt
    self.knownAt = knownAt
    self.withdrawn = withdrawn
    self.jobID = jobID
  }

  /// The withdrawal of this article.
  package func withdrawal(knownAt: Timestamp) -> NewsArticle {
    NewsArticle(
      source: source, id: id, outlet: outlet, url: "", title: "", publishedAt: publishedAt, knownAt: knownAt,
      withdrawn: true)
  }

  package var key: [UInt8] { RecordKey.bytes(chain: source, id) }
  /// `source/id`
  package var name: String { "\(source)/\(id)" }

  package static let blank = Self(
    source: "", id: "", outlet: "", url: "", title: "", publishedAt: .epoch, knownAt: .epoch)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("source", &source)
    try coder.required("id", &id)
    try coder.field("outlet", &outlet)
    try coder.field("url", &url)
    try coder.required("title", &title)
    try coder.field("description", &description)
    try coder.field("author", &author)
    try coder.field("language", &language)
    try coder.required("published_at", &publishedAt)
    try coder.required("known_at", &knownAt)
    try coder.field("withdrawn", &withdrawn)
    try coder.field("job_id", &jobID)
  }
}
