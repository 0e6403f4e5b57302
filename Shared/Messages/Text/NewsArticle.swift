import Catalogue
import Values

/// A text as it was published, or its withdrawal.
///
/// `news-articles`, key and order `source/id`. The last record of a key holds: a changed text replaces the earlier one,
/// and a withdrawal (`withdrawn`, without any text) has to remove it wherever it was kept.
package struct NewsArticle: FieldwiseMessage {
  package var source: String
  package var id: String
  package var outlet: String
  package var url: String
  package var title: String
  package var description: String?
  package var author: String?
  package var language: String?
  package var publishedAt: Timestamp
  package var knownAt: Timestamp
  package var withdrawn: Bool
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
    try coder.required("source", &source, "Where it was collected: `newsapi`")
    try coder.required("id", &id, "Within the source; of sources that have none, made from the canonical address")
    try coder.field("outlet", &outlet, "Who published it, as the source says: `Reuters`")
    try coder.field("url", &url, "Canonical address; empty in a withdrawal")
    try coder.required("title", &title, "Title, as published")
    try coder.field("description", &description, "Summary, as published")
    try coder.field("author", &author, "Author, as published")
    try coder.field("language", &language, "ISO 639-1, as the source says")
    try coder.required("published_at", &publishedAt, "When the outlet published it")
    try coder.required("known_at", &knownAt, "When it was collected; of a withdrawal, when that was noticed")
    try coder.field("withdrawn", &withdrawn, "The article no longer stands")
    try coder.field("job_id", &jobID, "The task that it came from")
  }
}
