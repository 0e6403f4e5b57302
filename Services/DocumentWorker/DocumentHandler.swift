import Catalogue
import Core
import Documents
import Embedding
import Kafka
import Logging
import Messages
import ObjectStore
import Pipeline
import ServiceKit
import Synchronization

/// Splits one document: publishes its passages with their vectors, and then that earlier ones are gone.
final class DocumentHandler: JobHandler {
  private let store: any ObjectStore
  private let embedder: any Embedder
  private let limits: DocumentThread.Limits
  private let identity: ServiceIdentity
  private let logger: Logger
  private let metrics = DocumentMetrics()
  private let idleThreads = Mutex<[DocumentThread]>([])

  /// Passages of one call of the embedder, and of one batch.
  private static let atOnce = 32

  init(
    store: any ObjectStore, embedder: any Embedder, options: DocumentOptions, identity: ServiceIdentity, logger: Logger
  ) {
    (self.store, self.embedder, self.identity, self.logger) = (store, embedder, identity, logger)
    limits = DocumentThread.Limits(
      document: options.maxDocumentSize.bytes, text: options.maxTextSize.bytes, tokens: options.passageTokens)
  }

  /// Of one issuer one after the other: what an amendment takes back has to be published before.
  func orderKey(of job: Job) -> [UInt8]? {
    job.value.flatMap { try? Document(decoding: $0) }?.partitionKey ?? job.key
  }

  func handle(_ job: Job, emit: Emitter) async throws -> Disposition {
    guard let value = job.value else { return .skip(reason: "tombstone") }
    let document: Document
    do { document = try Document(decoding: value) } catch {
      return .reject(Rejection(code: error.code, stage: "decode", "\(error)"))
    }
    let headers = identity.headers(
      schema: DocumentChunk.topic.schema, parent: job.header(HeaderName.traceparent))
    if document.withdrawn {
      try await send([.withdrawal(of: document.name, by: document)], headers, emit)
      metrics.count(document, "withdrawn")
      return .keep
    }
    let thread = idleThreads.withLock { $0.popLast() } ?? DocumentThread(embedder, limits)
    defer { idleThreads.withLock { $0.append(thread) } }
    let reading: DocumentReading, time: Duration
    do {
      (reading, time) = try await read(document, on: thread)
    } catch let error as DocumentError {
      return .reject(Rejection(code: error.code, stage: "split", error.message))
    }
    let start = ContinuousClock.now
    let chunks = reading.chunks(of: document)
    for first in stride(from: 0, to: chunks.count, by: Self.atOnce) {
      try await send(
        await thread.embed(Array(chunks[first..<min(chunks.count, first + Self.atOnce)])), headers, emit)
    }
    try await send(withdrawals(by: document, reading), headers, emit)
    try await emit.acknowledged()
    metrics.split(document, reading, in: time, vectors: .now - start)
    log(document, reading)
    return .keep
  }

  /// - Throws: `DocumentError`; as ``ObjectStore``.
  private func read(
    _ document: Document, on thread: DocumentThread
  ) async throws -> (DocumentReading, Duration) {
    await thread.begin(document)
    try await store.get(url: document.object ?? "") { _, reader in
      while let piece = try await reader.next() { try await thread.read(piece) }
    }
    let digest = await thread.digest().hex
    guard digest == document.sha256 else {
      throw DocumentError(.otherBytes, "the object's SHA-256 is \(digest), the message says \(document.sha256 ?? "")")
    }
    return try await thread.finish(document)
  }

  /// The passages of the document that an earlier reading of it left, and those of the items that it amends: an
  /// amendment gives the whole text of each item that it changes (17 CFR 240.12b-15). The document's own comes last:
  /// who has read it has read all that the document says.
  private func withdrawals(by document: Document, _ reading: DocumentReading) -> [DocumentChunk] {
    var withdrawals: [DocumentChunk] = []
    if let amended = document.amends {
      withdrawals = reading.items.filter { $0.state != .empty }.map { item in
        .withdrawal(of: amended, by: document, part: item.part, item: item.numbers.joined(separator: ","))
      }
    }
    withdrawals.append(.withdrawal(of: document.name, by: document))
    return withdrawals
  }

  private func send(_ chunks: [DocumentChunk], _ headers: [Header], _ emit: Emitter) async throws {
    var batch = OutgoingBatch()
    for chunk in chunks {
      batch.append(
        topic: DocumentChunk.topic.name, key: chunk.key, value: chunk.encoded(), headers: headers,
        partitionBy: chunk.partitionKey)
    }
    try await emit.send(batch)
  }

  private func log(_ document: Document, _ reading: DocumentReading) {
    logger.log(
      level: reading.isUnsplit ? .warning : .info,
      reading.isUnsplit ? "no item was found: the text is searched without items" : "document split",
      metadata: [
        "document": "\(document.name)", "form": "\(document.form)", "company": "\(document.company)",
        "passages": .stringConvertible(reading.passages.count), "split": "\(reading.outcome)",
        "items": "\(reading.items.map { $0.numbers.joined(separator: ",") }.joined(separator: " "))",
      ])
  }
}
