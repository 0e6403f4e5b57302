import Core
import HTTP

/// Storage classes. An object changes its class by being copied onto itself (docs.aws.amazon.com/AmazonS3/latest/
/// API/API_CopyObject.html): its bytes stay in the store, and what is noted of it is sent again, since servers refuse
/// a copy onto itself that changes nothing else.
extension S3Store {
  package func state(of key: ObjectKey) async throws -> ObjectState? {
    try await described(key).map { Self.state(key, $0) }
  }

  private static func state(_ key: ObjectKey, _ head: HTTPResponseHead) -> ObjectState {
    var state = ObjectState(info: info(key, head))
    let tier = head.headers["x-amz-storage-class"] ?? "STANDARD"
    state.tier = tier
    state.notes = notes(head)
    if ObjectLocation.archives.contains(tier) || head.headers["x-amz-archive-status"] != nil {
      // `ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"`
      let restore = head.headers["x-amz-restore"] ?? ""
      state.access =
        restore.contains("ongoing-request=\"true\"") ? .restoring
        : restore.contains("ongoing-request=\"false\"") ? .readable : .archived
      if state.access == .readable, restore.contains("expiry-date") {
        state.restoredUntil = restore.split(separator: "\"").last.map(String.init)
      }
    }
    return state
  }

  package func move(_ key: ObjectKey, to tier: String) async throws {
    guard let head = try await described(key) else { throw missing(key) }
    guard (head.headers["x-amz-storage-class"] ?? "STANDARD") != tier else { return }
    guard head.contentLength ?? 0 <= 5 << 30 else {
      throw ObjectStoreError(.tooLarge, "\(key) is larger than the 5 GiB that S3 copies at once")
    }
    var headers = copyHeaders(key, to: tier)
    headers["content-type"] = head.headers["content-type"] ?? "application/octet-stream"
    for field in head.headers.fields where field.name.lowercased().hasPrefix(Self.notePrefix) {
      headers[field.name.lowercased()] = field.value
    }
    // Another writer of the same key in between is not overwritten with what this one has seen.
    if let etag = head.headers["etag"] { headers["x-amz-copy-source-if-match"] = etag }
    _ = try Self.result(try await send("PUT", key, headers: headers), what: "move \(key) to \(tier)")
  }

  private func copyHeaders(_ key: ObjectKey, to tier: String) -> HTTPHeaders {
    var headers: HTTPHeaders = [:]
    for field in configuration.objectHeaders.fields { headers[field.name] = field.value }
    headers["x-amz-storage-class"] = tier
    headers["x-amz-metadata-directive"] = "REPLACE"
    headers["x-amz-copy-source"] =
      "/\(configuration.bucket)/" + PercentEncoding.encode(qualified(key.text), keepingSlash: true)
    return headers
  }

  func askForRestore(_ key: ObjectKey, to tier: String, days: Int) async throws -> Bool {
    do {
      _ = try await sendRestore(key, days: days)
      return false
    } catch let error as ObjectStoreError where error.kind == .tiersUnsupported {
      // Servers that know the class by its name only read such an object as any other.
      do {
        return try await get(key) { _, _ in true }
      } catch let reading as ObjectStoreError where reading.kind == .archived { throw error }
    }
  }

  private func sendRestore(_ key: ObjectKey, days: Int) async throws -> HTTPResponse {
    let document = Array("""
      <RestoreRequest xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Days>\(days)</Days>\
      <GlacierJobParameters><Tier>Standard</Tier></GlacierJobParameters></RestoreRequest>
      """.utf8)
    // 409 RestoreAlreadyInProgress.
    return try await sendRepeatedly(
      "POST", key.text, query: [("restore", "")], body: .bytes(document), accept: Self.isConflict)
  }

  /// Tries both on an object that there is not: a server that knows them misses the object, and one that does not
  /// says so.
  package func abilities(of tier: String) async throws -> TierAbilities {
    let nothing = try ObjectKey("souk-probe-of-tiers-\(UInt64.random(in: 0 ... .max))")
    var abilities = TierAbilities(moves: true, restores: true)
    do {
      _ = try await send("PUT", nothing, headers: copyHeaders(nothing, to: tier))
    } catch let error as ObjectStoreError where error.kind == .tiersUnsupported || error.kind == .refused {
      abilities.moves = false
      abilities.reason = error.message
    } catch let error as ObjectStoreError where error.kind == .noSuchKey {}
    do {
      _ = try await sendRestore(nothing, days: 1)
    } catch let error as ObjectStoreError where error.kind == .tiersUnsupported || error.kind == .refused {
      abilities.restores = false
      abilities.reason = abilities.reason ?? error.message
    } catch let error as ObjectStoreError where error.kind == .noSuchKey {}
    return abilities
  }
}
