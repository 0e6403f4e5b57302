import Catalogue
import Values

/// What a story says of a symbol, however many outlets print it.
///
/// `sentiment-events`, key and order `symbol`. An event is named by cluster and symbol; of the records of one event
/// that with the highest `revision` holds, since several workers may write of one story. `withdrawn`: no outlet stands
/// by it any more, and it has to go wherever it was kept; its texts are empty then.
package struct SentimentEvent: FieldwiseMessage {
  /// 32 hexadecimal digits, made from cluster and symbol.
  package var eventID: String
  package var symbol: String
  package var cluster: String
  /// Grows with every change of the story.
  package var revision: Int64
  /// From -1 to 1, with four digits.
  package var score: ExactDecimal
  /// That the story is about the symbol, from 0 to 1, with two digits.
  package var confidence: ExactDecimal
  /// Of the first text that stands: `news` or `social`.
  package var kind: String
  /// Where its first text was collected: `newsapi`.
  package var source: String
  /// Of the first text that stands.
  package var outlet: String
  package var title: String
  package var url: String
  /// The part of that text that names the symbol, and the rule that found it: `cashtag`, `name_with_cue`.
  package var evidence: String
  package var rule: String
  /// Different outlets that print it; all posts of a site are one.
  package var sources: Int64
  /// Of the first text that stands.
  package var publishedAt: Timestamp
  /// When the last change of the story was collected.
  package var knownAt: Timestamp
  /// What it was scored with: `vader-3.3.2+finance-2`.
  package var scorer: String
  package var withdrawn: Bool

  package static let topic = Topics.sentimentEvents

  package init(
    eventID: String, symbol: String, cluster: String, revision: Int64, score: ExactDecimal, confidence: ExactDecimal,
    kind: String = "news", source: String, outlet: String, title: String, url: String, evidence: String, rule: String,
    sources: Int64, publishedAt: Timestamp, knownAt: Timestamp, scorer: String, withdrawn: Bool = false
  ) {
    self.eventID = eventID
    self.symbol = symbol
    self.cluster = cluster
    self.revision = revision
    self.score = score
    self.confidence = confidence
    self.kind = kind
    self.source = source
    self.outlet = outlet
    self.title = title
    self.url = url
    self.evidence = evidence
    self.rule = rule
    self.sources = sources
    self.publishedAt = publishedAt
    self.knownAt = knownAt
    self.scorer = scorer
    self.withdrawn = withdrawn
  }

  package var key: [UInt8] { Array(symbol.utf8) }

  package static let blank = Self(
    eventID: "", symbol: "", cluster: "", revision: 0, score: .zero, confidence: .zero, source: "", outlet: "",
    title: "", url: "", evidence: "", rule: "", sources: 0, publishedAt: .epoch, knownAt: .epoch, scorer: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("event_id", &eventID)
    try coder.required("symbol", &symbol)
    try coder.required("cluster", &cluster)
    try coder.required("revision", &revision)
    try coder.number("score", &score, isRequired: true)
    try coder.number("confidence", &confidence, isRequired: true)
    try coder.field("kind", &kind)
    try coder.field("source", &source)
    try coder.field("outlet", &outlet)
    try coder.field("title", &title)
    try coder.field("url", &url)
    try coder.field("evidence", &evidence)
    try coder.field("rule", &rule)
    try coder.required("sources", &sources)
    try coder.required("published_at", &publishedAt)
    try coder.required("known_at", &knownAt)
    try coder.field("scorer", &scorer)
    try coder.field("withdrawn", &withdrawn)
  }
}
