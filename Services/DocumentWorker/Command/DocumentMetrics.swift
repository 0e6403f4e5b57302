import Core
import Documents
import Messages
import Metrics
import ServiceKit

/// What document-worker counts beyond what every consumer counts.
struct DocumentMetrics: Sendable {
  private let outside = Counter(label: "souk_document_outside_bytes_total")
  private let split = Metrics.Timer(label: "souk_document_split_seconds")
  private let embed = Metrics.Timer(label: "souk_document_embed_seconds")

  static let descriptions = [
    MetricDescription(
      "souk_documents_total", .counter,
      "Documents, by how they were split: headings, pages, turns; none: no item was found in a form that has items, "
        + "whole: a form without items, withdrawn.",
      labels: ["form", "outcome"]),
    MetricDescription(
      "souk_document_items_total", .counter,
      "Items of filings, by what they have: text, incorporated (they refer to another document), empty.",
      labels: ["form", "state"]),
    MetricDescription(
      "souk_document_chunks_total", .counter, "Passages produced, repeated ones included; prose or table.",
      labels: ["kind"]),
    MetricDescription(
      "souk_document_outside_bytes_total", .counter,
      "Text of filings that is of no item and makes no passage: covers, tables of contents, signatures."),
    MetricDescription(
      "souk_document_split_seconds", .histogram, "Time to read and split a document, without its bytes' way."),
    MetricDescription("souk_document_embed_seconds", .histogram, "Time to compute the vectors of a document."),
  ]

  func split(_ document: Document, _ reading: DocumentReading, in time: Duration, vectors: Duration) {
    let form = Self.form(document)
    count(document, reading.outcome)
    for item in reading.items {
      Counter(
        label: "souk_document_items_total", dimensions: [("form", form), ("state", item.state.rawValue)]
      ).increment(by: item.numbers.count)
    }
    for (kind, isTable) in [("prose", false), ("table", true)] {
      Counter(label: "souk_document_chunks_total", dimensions: [("kind", kind)])
        .increment(by: reading.passages.count { $0.isTable == isTable })
    }
    outside.increment(by: reading.outside)
    split.record(duration: time)
    embed.record(duration: vectors)
  }

  func count(_ document: Document, _ outcome: String) {
    Counter(label: "souk_documents_total", dimensions: [("form", Self.form(document)), ("outcome", outcome)])
      .increment()
  }

  /// A few words, whatever forms there are.
  private static func form(_ document: Document) -> String {
    switch document.kind {
    case .transcript: "transcript"
    case .filing: document.form.hasPrefix("10-K") ? "10-K" : document.form.hasPrefix("10-Q") ? "10-Q" : "other"
    }
  }
}
