import Catalogue
import Values

/// A post of a person as it was published, or its withdrawal.
///
/// `social-posts`, key and order `source/id`. The last record of a key holds: an edited post replaces the earlier one,
/// and a withdrawal (`withdrawn`, without any text) has to remove it wherever it was kept.
package struct SocialPost: FieldwiseMessage {
  package var source: String
  package var id: String
  package var author: String
  package var community: String?
  package var url: String
  package var title: String?
  package var text: String
  package var link: String?
  package var language: String?
  package var likes: Int64?
  package var replies: Int64?
  package var publishedAt: Timestamp
  package var knownAt: Timestamp
  package var withdrawn: Bool
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
    try coder.required("source", &source, "Where it was collected: `reddit`")
    try coder.required("id", &id, "Within the source: `t3_1abc`, `1790000000000000001`")
    try coder.field("author", &author, "The account, as the source names it: a name or a number; empty in a withdrawal")
    try coder.field("community", &community, "The part of the source that it was posted in: a subreddit")
    try coder.field("url", &url, "Address of the post; empty in a withdrawal")
    try coder.field("title", &title, "Title, of sources whose posts have one")
    try coder.required("text", &text, "Text of the post")
    try coder.field("link", &link, "Canonical address that the post points at")
    try coder.field("language", &language, "ISO 639-1, as the source says")
    try coder.field("likes", &likes, "Votes or likes when it was collected")
    try coder.field("replies", &replies, "Answers when it was collected")
    try coder.required("published_at", &publishedAt, "When it was posted")
    try coder.required("known_at", &knownAt, "When it was collected; of a withdrawal, when that was noticed")
    try coder.field("withdrawn", &withdrawn, "The post no longer stands")
    try coder.field("job_id", &jobID, "The task that it came from")
  }
}
