import Core
import Documents
import Embedding
import Messages

/// A document in passages.
struct DocumentReading: Sendable {
  var passages: [Passage] = []
  /// Of filings.
  var items: [Filing.Item] = []
  /// As `souk_documents_total` has it.
  var outcome = ""
  /// Bytes of text that are of no item.
  var outside = 0

  /// A form that has items gave none.
  var isUnsplit: Bool { outcome == Outline.Method.none.rawValue }

  init(filing text: DocumentText, form: String, limit: Int, count: @escaping (String) -> Int) {
    let filing = Filing(text, form: form, limit: limit, count: count)
    (passages, items, outside) = (filing.passages, filing.items, filing.outside)
    outcome = FilingForm(form) == nil ? "whole" : filing.method.rawValue
  }

  init(_ transcript: Transcript, limit: Int, count: @escaping (String) -> Int) {
    passages = transcript.passages(limit: limit, count: count)
    outcome = "turns"
  }

  /// The messages of the passages, without vectors. A passage has the same id whenever the document is read again, and
  /// whatever stands before it.
  func chunks(of document: Document) -> [DocumentChunk] {
    var repeats: [String: Int] = [:]
    return passages.enumerated().map { index, passage in
      let name = [
        document.name, passage.part ?? "", passage.item ?? "", passage.speaker ?? "", passage.text,
      ].joined(separator: "\n")
      let number = repeats[name, default: 0]
      repeats[name] = number + 1
      return DocumentChunk(
        id: String(SHA256.hash("\(name)\n\(number)").hex.prefix(32)), of: document, part: passage.part,
        item: passage.item, heading: passage.heading, speaker: passage.speaker, ordinal: Int64(index),
        text: passage.text, tokens: Int64(passage.tokens), isTable: passage.isTable)
    }
  }
}

/// A thread that reads documents, one at a time, so that their work occupies no thread of the cooperative pool.
actor DocumentThread {
  private let executor: ThreadExecutor
  private let embedder: any Embedder
  private let limits: Limits
  private var reader: DocumentReader?
  private var json: [UInt8] = []
  private var hash: SHA256? = SHA256()
  private var size = 0
  private var time = Duration.zero

  struct Limits: Sendable {
    var document: Int
    var text: Int
    var tokens: Int
  }

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(_ embedder: any Embedder, _ limits: Limits) {
    executor = ThreadExecutor(name: "souk-document")
    (self.embedder, self.limits) = (embedder, limits)
  }

  func begin(_ document: Document) {
    (json, size, time) = ([], 0, .zero)
    hash = SHA256()
    reader = document.mediaType == "application/json" ? nil : DocumentReader(limit: limits.text)
  }

  /// - Throws: `DocumentError`.
  func read(_ piece: [UInt8]) throws {
    let start = ContinuousClock.now
    defer { time += .now - start }
    hash?.update(piece)
    size += piece.count
    guard size <= limits.document else {
      throw DocumentError(.tooMuchText, "the document has more than \(limits.document) bytes")
    }
    if reader == nil { json += piece } else { try reader?.read(piece) }
  }

  /// The hash of all that was read.
  func digest() -> SHA256Digest { (hash.take() ?? SHA256()).finish() }

  /// - Throws: `DocumentError`.
  func finish(_ document: Document) throws -> (DocumentReading, Duration) {
    let start = ContinuousClock.now
    defer { (reader, json) = (nil, []) }
    let limit = min(limits.tokens, embedder.mostTokens)
    let count: (String) -> Int = { [embedder] in embedder.tokenCount($0) }
    let reading: DocumentReading
    if var reader {
      self.reader = nil
      let text = try reader.finish()
      reading = document.kind == .transcript
        ? DocumentReading(try Transcript(text), limit: limit, count: count)
        : DocumentReading(filing: text, form: document.form, limit: limit, count: count)
    } else {
      reading = DocumentReading(try Transcript(json: json), limit: limit, count: count)
    }
    return (reading, time + (.now - start))
  }

  /// Adds the vectors. What a passage is of is a part of what is compared: a question names company and item too.
  func embed(_ chunks: [DocumentChunk]) -> [DocumentChunk] {
    let vectors = embedder.embed(chunks.map(Self.text))
    var embedded = chunks
    for index in embedded.indices {
      embedded[index].model = embedder.name
      embedded[index].floats = vectors[index]
    }
    return embedded
  }

  static func text(_ chunk: DocumentChunk) -> String {
    let place = [
      [chunk.symbols.first, chunk.form, chunk.period].compactMap { $0 }.joined(separator: " "),
      chunk.item.map { "Item \($0)" } ?? "", chunk.heading, chunk.speaker ?? "",
    ].filter { !$0.isEmpty }.joined(separator: " | ")
    return "\(place)\n\(chunk.text)"
  }
}
