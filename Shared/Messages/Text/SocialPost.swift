import Catalogue
import Values

/// A post of a person as it was published, or its withdrawal.
///
/// `social-posts`, key and order `source/id`. The last record of a key holds: an edited post replaces the earlier one,
/// and a withdrawal (`withdrawn`, without any text) has to remove it wherever it was kept.
package struct SocialPost: FieldwiseMessage {
  /// Where it was collected: `reddit`.
  package var source: String
  /// Within the source: `t3_1abc`, `1790000000000000001`.
  package var id: String
  /// As the source names the account: a name or a number; empty in a withdrawal.
  package var author: String
  /// The part of the source that it was posted in: a subreddit.
  package var community: String?
  /// Of the post itself; empty in a withdrawal.
  package var url: String
  /// Of sources whose posts have one.
  package var title: String?
  package var text: String
  /// What it points at, canonical.
  package var link: String?
  /// ISO 639-1, as the source says.
  package var language: String?
  /// Votes or likes, and answers, when it was collected.
  package var likes: Int64?
  package var replies: Int64?
  /// By its author.
  package var publishedAt: Timestamp
  /// When it was collected; of a withdrawal, when that was noticed.
  package var knownAt: Timestamp
  package var withdrawn: Bool
  /// The task that it came from.
  package var jobID: String?

  package static let topic = Topics.socialPosts

  package init(
    source: String, id: String, author: String, community: String? = nil, url: String, title: String? = nil,
    text: String, link: String? = nil, language: String? = nil, likes: Int64? = nil, replies: Int64? = nil,
    publishedAt: Timestamp, knownAt: Timestamp, withdrawn: Bool = false, jobID: String? = nil
  ) {
    self.source = source
    self.id = id
    self.author = author
    self.community = community
    self.url = url
    self.title = title
    self.text = text
    self.link = link
    self.language = language
    self.likes = likes
    self.replies = replies
    self.publishedAt = publishedAt
    self.knownAt = knownAt
    self.withdrawn = withdrawn
    self.jobID = jobID
  }

  /// The withdrawal of a post.
  package static func withdrawal(of id: String, source: String, publishedAt: Timestamp, knownAt: Timestamp) -> Self {
    Self(source: source, id: id, author: "", url: "", text: "", publishedAt: publishedAt, knownAt: knownAt,
         withdrawn: true)
  }

  package var key: [UInt8] { RecordKey.bytes(chain: source, id) }
  /// `source/id`
  package var name: String { "\(source)/\(id)" }

  package static let blank = Self(
    source: "", id: "", author: "", url: "", text: "", publishedAt: .epoch, knownAt: .epoch)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("source", &source)
    try coder.required("id", &id)
    try coder.field("author", &author)
    try coder.field("community", &community)
    try coder.field("url", &url)
    try coder.field("title", &title)
    try coder.required("text", &text)
    try coder.field("link", &link)
    try coder.field("language", &language)
    try coder.field("likes", &likes)
    try coder.field("replies", &replies)
    try coder.required("published_at", &publishedAt)
    try coder.required("known_at", &knownAt)
    try coder.field("withdrawn", &withdrawn)
    try coder.field("job_id", &jobID)
  }
}
