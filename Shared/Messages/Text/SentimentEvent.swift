import Catalogue
import Values

/// What a story says of a symbol, however many outlets print it.
///
/// `sentiment-events`, key and order `symbol`. An event is named by cluster and symbol; of the records of one event
/// that with the highest `revision` holds, since several workers may write of one story. `withdrawn`: no outlet stands
/// by it any more, and it has to go wherever it was kept; its texts are empty then.
package struct SentimentEvent: FieldwiseMessage {
  package var eventID: String
  package var symbol: String
  package var cluster: String
  package var revision: Int64
  package var score: ExactDecimal
  package var confidence: ExactDecimal
  package var kind: String
  package var source: String
  package var outlet: String
  package var title: String
  package var url: String
  package var evidence: String
  package var rule: String
  package var sources: Int64
  package var publishedAt: Timestamp
  package var knownAt: Timestamp
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
    try coder.required("event_id", &eventID, "32 hexadecimal digits, made from cluster and symbol")
    try coder.required("symbol", &symbol, "The canonical symbol")
    try coder.required("cluster", &cluster, "The story that the texts tell")
    try coder.required("revision", &revision, "Grows with every change of the story; the last one holds")
    try coder.number(
      "score", &score, "What the story means for the symbol, with four digits [-1 to 1]", isRequired: true)
    try coder.number(
      "confidence", &confidence, "That the story is about the symbol, with two digits [0 to 1]", isRequired: true)
    try coder.field("kind", &kind, "Kind of the first text that stands: `news` or `social`")
    try coder.field("source", &source, "Where that text was collected: `newsapi`")
    try coder.field("outlet", &outlet, "Who published that text")
    try coder.field("title", &title, "Title of that text")
    try coder.field("url", &url, "Address of that text")
    try coder.field("evidence", &evidence, "The part of that text that names the symbol")
    try coder.field("rule", &rule, "The rule that found it: `cashtag`, `name_with_cue`")
    try coder.required("sources", &sources, "How many outlets print it; all posts of a site are one")
    try coder.required("published_at", &publishedAt, "When that text was published")
    try coder.required("known_at", &knownAt, "When the last change of the story was collected")
    try coder.field("scorer", &scorer, "What it was scored with: `vader-3.3.2+finance-2`")
    try coder.field("withdrawn", &withdrawn, "No text of the story stands any more")
  }
}
