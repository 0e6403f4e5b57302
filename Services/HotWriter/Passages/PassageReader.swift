import Core
import Embedding
import Messages
import Pipeline
import Redis
import SearchStore
import Values

extension TextReader {
  /// A record of `documents`: its hash and its entry of the tail. Its passages come by `document-chunks`.
  func read(document bytes: RawSpan, to buffer: inout PartitionBuffer) -> Disposition {
    let document: Document
    do throws(DecodingFailure) { document = try Document(decoding: bytes) } catch { return Self.refusal(error) }
    let fields: [(String, String?)] = [
      ("source", document.source), ("kind", document.kind.rawValue), ("issuer", document.issuer),
      ("symbols", document.symbols.joined(separator: ",")), ("company", document.company), ("form", document.form),
      ("period", document.period), ("title", document.title), ("url", document.url), ("object", document.object),
      ("filed_on", document.filedOn), ("amends", document.amends), ("published_at", Self.text(document.publishedAt)),
      ("known_at", Self.text(document.knownAt)),
    ]
    return note(
      Published(
        source: document.source, id: document.id, publishedAt: document.publishedAt, knownAt: document.knownAt,
        isWithdrawn: document.withdrawn),
      fields, bytes, kind: "document", stream: PassageScripts.stream,
      retention: policy.documents.retention(of: document.source), tail: policy.documentTail, &buffer)
  }

  /// A record of `document-chunks`: a passage, or that earlier passages are gone.
  func read(chunk bytes: RawSpan, to buffer: inout PartitionBuffer) -> Disposition {
    let chunk: DocumentChunk
    do throws(DecodingFailure) { chunk = try DocumentChunk(decoding: bytes) } catch { return Self.refusal(error) }
    guard Self.isName(chunk.document), Self.isName(chunk.source), chunk.withdrawn || Self.isName(chunk.id) else {
      return .reject(Rejection(
        code: "bad_value", stage: "check", "'id', 'document' or 'source' is not 1 to 256 bytes without blanks"))
    }
    if let refusal = refusal(publishedAt: chunk.publishedAt) { return .reject(refusal) }
    // Empty for a withdrawal of everything.
    let place = chunk.withdrawn && chunk.item == nil ? "" : "\(chunk.part ?? "-")|\(chunk.item ?? "-")"
    let set = "docset:\(chunk.document)"
    var arguments = [
      "\(chunk.knownAt.microseconds)", place, policy.documents.retention(of: chunk.source).redisMilliseconds,
    ].map { Array($0.utf8) }
    if chunk.withdrawn {
      add(TextNote(script: .withdrawal, keys: [set, "\(set):gone"], arguments: arguments), 0, &buffer)
      return .keep
    }
    let vector = chunk.floats
    if let vector {
      guard let model = chunk.model, VectorIndex.isName(model), !vector.isEmpty, vector.allSatisfy(\.isFinite) else {
        return .reject(Rejection(
          code: "bad_value", stage: "check",
          "a vector needs a 'model' of 1 to 64 small letters, digits, '-' and '.', and finite numbers"))
      }
      buffer.models[model] = vector.count
      arguments.append(Array(model.utf8))
    } else {
      arguments.append([])
    }
    let fields: [(String, String?)] = [
      ("document", chunk.document), ("source", chunk.source), ("issuer", chunk.issuer),
      ("symbols", chunk.symbols.joined(separator: ",")), ("company", chunk.company), ("form", chunk.form),
      ("period", chunk.period), ("url", chunk.url), ("part", chunk.part), ("item", chunk.item),
      ("heading", chunk.heading), ("speaker", chunk.speaker), ("ordinal", "\(chunk.ordinal)"), ("text", chunk.text),
      ("tokens", "\(chunk.tokens)"), ("table", chunk.isTable ? "1" : "0"),
      ("published_at", Self.text(chunk.publishedAt)), ("known_at", Self.text(chunk.knownAt)),
      ("published_ms", "\(chunk.publishedAt.microseconds / 1_000)"),
    ]
    for case (let name, let value?) in fields { arguments += [Array(name.utf8), Array(value.utf8)] }
    if let vector { arguments += [Array("vector".utf8), VectorBytes.encode(vector)] }
    add(
      TextNote(script: .passage, keys: ["doc:\(chunk.id)", set, "\(set):gone"], arguments: arguments),
      chunk.text.utf8.count + 4 * (vector?.count ?? 0), &buffer)
    return .keep
  }
}
