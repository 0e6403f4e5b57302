import Core
import Messages
import Sentiment
import Values

/// A story: what several outlets, or people on several sites, print in nearly the same words.
package struct Story: Hashable, Sendable {
  /// 32 hexadecimal digits, made from the name of its first article.
  package var id: String
  package var revision: Int64
  /// Of its first article: texts far from it in time are other stories.
  package var publishedAt: Timestamp
  /// Of its last change.
  package var knownAt: Timestamp
  /// Of its first article.
  package var fingerprint: Fingerprint
  package var symbols: [String]
  /// In the order in which they came, also those that are withdrawn.
  package var members: [StoryMember]
}

/// An article as a member of a story.
package struct StoryMember: Hashable, Sendable {
  /// `source/id`
  package var article: String
  package var kind: String
  package var source: String
  package var outlet: String
  package var title: String
  package var url: String
  package var publishedAt: Timestamp
  package var knownAt: Timestamp
  package var isWithdrawn: Bool
  /// In ten-thousandths.
  package var score: Int64
  package var scorer: String
  package var mentions: [StoryMention]

  init(_ article: ReadArticle, scorer: String) {
    (self.article, kind) = (article.name, article.kind)
    (source, outlet, title, url) = (article.source, article.outlet, article.title, article.url)
    (publishedAt, knownAt, isWithdrawn) = (article.publishedAt, article.knownAt, article.isWithdrawn)
    score = Int64(article.polarity.compound)
    self.scorer = scorer
    mentions = article.mentions.map(StoryMention.init)
  }

  /// The same without its texts. The symbols stay: what was said of them has to be taken back.
  var withdrawn: StoryMember {
    var member = self
    (member.isWithdrawn, member.title, member.url) = (true, "", "")
    for index in member.mentions.indices { member.mentions[index].evidence = "" }
    return member
  }

  /// Equal but for the time at which it was collected.
  func saysTheSame(as other: StoryMember) -> Bool {
    var other = other
    other.knownAt = knownAt
    return self == other
  }
}

/// A symbol that a member mentions.
package struct StoryMention: Hashable, Sendable {
  package var symbol: String
  package var rule: String
  /// In hundredths.
  package var confidence: Int64
  package var evidence: String

  init(_ mention: Mention) {
    (symbol, rule, evidence) = (mention.symbol, mention.rule.rawValue, mention.evidence)
    confidence = Int64(mention.confidence)
  }
}

extension Story {
  /// One event for each symbol that a member mentions, or has mentioned: withdrawn where none that stands does.
  package func events() -> [SentimentEvent] {
    let symbols = Set(members.flatMap { $0.mentions.map(\.symbol) })
    return symbols.sorted().map(event)
  }

  private func event(of symbol: String) -> SentimentEvent {
    let standing = members.filter { member in
      !member.isWithdrawn && member.mentions.contains { $0.symbol == symbol }
    }.sorted { ($0.publishedAt.microseconds, $0.article) < ($1.publishedAt.microseconds, $1.article) }
    var event = SentimentEvent(
      eventID: String(SHA256.hash("\(id)/\(symbol)").hex.prefix(32)), symbol: symbol, cluster: id, revision: revision,
      score: .zero, confidence: .zero, kind: members[0].kind, source: members[0].source, outlet: "", title: "",
      url: "", evidence: "", rule: "",
      sources: Int64(Set(standing.map { $0.outlet.lowercased() }).count), publishedAt: publishedAt, knownAt: knownAt,
      scorer: members[0].scorer, withdrawn: standing.isEmpty)
    guard let first = standing.first, let mention = first.mentions.first(where: { $0.symbol == symbol }) else {
      return event
    }
    event.score = ExactDecimal(unchecked: first.score, scale: 4)
    event.confidence = ExactDecimal(unchecked: mention.confidence, scale: 2)
    event.kind = first.kind
    (event.source, event.outlet, event.title, event.url) = (first.source, first.outlet, first.title, first.url)
    (event.evidence, event.rule, event.scorer) = (mention.evidence, mention.rule, first.scorer)
    event.publishedAt = first.publishedAt
    return event
  }
}

// MARK: - As JSON, in Redis

extension Story: FieldwiseObject {
  package static let blank = Story(
    id: "", revision: 0, publishedAt: .epoch, knownAt: .epoch,
    fingerprint: Fingerprint(titleHash: 0, textHash: 0, title: [], text: [], numbers: 0), symbols: [], members: [])
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("id", &id)
    try coder.required("revision", &revision)
    try coder.required("published_at", &publishedAt)
    try coder.required("known_at", &knownAt)
    var (titleHash, textHash) = (Int64(bitPattern: fingerprint.titleHash), Int64(bitPattern: fingerprint.textHash))
    var (title, text) = (fingerprint.title.map(Int64.init), fingerprint.text.map(Int64.init))
    var numbers = Int64(fingerprint.numbers)
    try coder.required("title_hash", &titleHash)
    try coder.required("text_hash", &textHash)
    try coder.list("title_words", &title)
    try coder.list("text_words", &text)
    try coder.required("numbers", &numbers)
    fingerprint = Fingerprint(
      titleHash: UInt64(bitPattern: titleHash), textHash: UInt64(bitPattern: textHash),
      title: title.map { UInt32(truncatingIfNeeded: $0) }, text: text.map { UInt32(truncatingIfNeeded: $0) },
      numbers: UInt32(truncatingIfNeeded: numbers))
    try coder.list("symbols", &symbols)
    try coder.list("members", &members, isRequired: true)
  }

  var json: String {
    var writer = JSONWriter()
    write(to: &writer)
    return String(decoding: writer.array(), as: UTF8.self)
  }

  init(json: [UInt8]) throws(DecodingFailure) {
    var coder = try FieldCoder(reading: json.span.bytes, limits: JSONReader.Limits(maxBytes: 16 << 20))
    self = try Self.read(from: &coder)
    try coder.reader.finish()
  }
}

extension StoryMember: FieldwiseObject {
  package static let blank = StoryMember()
  package static let fields = ObjectFields(blank)

  private init() {
    (article, kind, source, outlet, title, url, scorer) = ("", "news", "", "", "", "", "")
    (publishedAt, knownAt, isWithdrawn, score, mentions) = (.epoch, .epoch, false, 0, [])
  }

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("article", &article)
    try coder.field("kind", &kind)
    try coder.field("source", &source)
    try coder.field("outlet", &outlet)
    try coder.field("title", &title)
    try coder.field("url", &url)
    try coder.required("published_at", &publishedAt)
    try coder.required("known_at", &knownAt)
    try coder.field("withdrawn", &isWithdrawn)
    try coder.field("score", &score)
    try coder.field("scorer", &scorer)
    try coder.list("mentions", &mentions)
  }
}

extension StoryMention: FieldwiseObject {
  package static let blank = StoryMention(Mention(symbol: "", rule: .name, confidence: 0, evidence: ""))
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("symbol", &symbol)
    try coder.field("rule", &rule)
    try coder.field("confidence", &confidence)
    try coder.field("evidence", &evidence)
  }
}
