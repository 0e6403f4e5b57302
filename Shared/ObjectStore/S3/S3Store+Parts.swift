import Core
import HTML
import HTTP

extension S3Store {
  /// The size of each part: the configured one, or what keeps their number within S3's 10,000.
  static func partBytes(length: Int, configured: Int) -> Int {
    max(configured, 5 << 20, (length + 9_999) / 10_000)
  }

  /// A multipart upload, one hashed part after the other. What fails is taken back, so that no half upload is
  /// paid for; the object appears only when it is complete.
  func putInParts(_ body: ObjectBody, at key: ObjectKey, contentType: String) async throws -> ObjectInfo {
    var headers = objectHeaders(contentType, body)
    headers["x-amz-checksum-algorithm"] = "SHA256"
    let begun = try await send("POST", key, query: [("uploads", "")], headers: headers)
    guard let upload = XMLElement(document: begun.body)?["UploadId"], !upload.isEmpty else {
      throw ObjectStoreError(.protocolViolated, "the store began a multipart upload without an id")
    }
    do {
      let etag = try await sendParts(body, at: key, upload: upload)
      return ObjectInfo(key: key, size: body.length, etag: etag, sha256: body.sha256)
    } catch {
      // In a task of its own: when this one is cancelled, the parts have to go all the same.
      await Task {
        _ = try? await sendRepeatedly("DELETE", key.text, query: [("uploadId", upload)], accept: Self.isMissing)
      }.value
      throw error
    }
  }

  private func sendParts(_ body: ObjectBody, at key: ObjectKey, upload: String) async throws -> String? {
    let size = Self.partBytes(length: body.length, configured: configuration.partBytes)
    var whole = SHA256()
    var list = ""
    for (index, offset) in stride(from: 0, to: body.length, by: size).enumerated() {
      let length = min(size, body.length - offset)
      // A part of a file is read twice, in small pieces, and never held: many large files may be on their way.
      var part = SHA256()
      try body.read(offset: offset, length: length) { piece in
        part.update(piece)
        whole.update(piece)
      }
      let (hash, payload) = (part.finish(), body.payload(offset: offset, length: length))
      let answer = try await send(
        "PUT", key, query: [("partNumber", "\(index + 1)"), ("uploadId", upload)],
        headers: [Self.checksumHeader: hash.base64], body: payload, hash: hash)
      guard let etag = answer.headers["etag"] else {
        throw ObjectStoreError(.protocolViolated, "the store took a part without giving its ETag")
      }
      let escaped = etag.split(separator: "\"").joined()
      list += "<Part><ChecksumSHA256>\(hash.base64)</ChecksumSHA256><ETag>\(escaped)</ETag>"
        + "<PartNumber>\(index + 1)</PartNumber></Part>"
    }
    try Self.require(whole.finish(), of: body, key)
    let document = Array("<CompleteMultipartUpload>\(list)</CompleteMultipartUpload>".utf8)
    let answer = try await send(
      "POST", key, query: [("uploadId", upload)], headers: ["content-type": "application/xml"],
      body: .bytes(document))
    return try Self.result(answer, what: "complete \(key)")["ETag"].map(Self.unquoted)
  }

  /// The document in an answer of 200.
  /// - Throws: S3 may answer 200 first and find out later that it failed: the error is then in the body.
  static func result(_ answer: HTTPResponse, what: String) throws(ObjectStoreError) -> XMLElement {
    let document = XMLElement(document: answer.body)
    if let document, document.name != "Error" { return document }
    var head = answer.head
    head.status = 500
    throw failure(head, answer.body, what: what)
  }
}
