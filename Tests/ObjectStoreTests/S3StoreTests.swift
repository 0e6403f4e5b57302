import Core
import HTTP
import LocalServers
@testable import ObjectStore
import Synchronization
import Testing
import TestSupport

/// Against a real server: SeaweedFS.
@Suite struct S3StoreTests {
  private func makeStore(
    bucket: String, prefix: String = "", secret: String? = nil, threshold: Int = 64 << 20
  ) async throws -> S3Store {
    let server = try await TestServers.seaweed()
    return try Self.makeStore(
      endpoint: server.endpoint, bucket: bucket, prefix: prefix,
      credentials: S3Credentials(accessKeyID: server.accessKeyID, secretAccessKey: secret ?? server.secretAccessKey),
      threshold: threshold)
  }

  static func makeStore(
    endpoint: String, bucket: String = "bucket", prefix: String = "",
    credentials: S3Credentials = S3Credentials(accessKeyID: "a", secretAccessKey: "b"), threshold: Int = 64 << 20,
    timeout: Duration = .seconds(60), lock: Duration? = nil
  ) throws -> S3Store {
    var configuration = S3Configuration(bucket: bucket, credentials: credentials)
    configuration.prefix = prefix
    configuration.endpoint = try HTTPURL(endpoint)
    configuration.multipartThreshold = threshold
    configuration.partBytes = 5 << 20
    configuration.timeout = timeout
    configuration.lock = lock
    let client = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk-tests", name: "s3"))
    return try S3Store(configuration, client: client)
  }

  @Test(.timeLimit(.minutes(15))) func keepsTheContract() async throws {
    let store = try await makeStore(bucket: "souk-\(TestServers.uniqueName())", prefix: "pre fix/x")
    try await StoreContract(store: store).run()
  }

  @Test(.timeLimit(.minutes(15))) func largeBodiesGoInParts() async throws {
    let store = try await makeStore(bucket: "souk-\(TestServers.uniqueName())", threshold: 5 << 20)
    try await store.prepare()
    let bytes = StoreContract.pattern((12 << 20) + 12_345)
    let key = try ObjectKey("large")
    let info = try await store.put(ObjectBody(bytes), at: key, contentType: "application/gzip")
    #expect(info.etag?.hasSuffix("-3") == true, "three parts: \(String(describing: info.etag))")
    let head = try #require(try await store.head(key))
    #expect(head.size == bytes.count && head.sha256 == SHA256.hash(bytes))
    #expect(try await store.bytes(of: key, limit: bytes.count) == bytes)
  }

  /// In compliance mode no account can delete a version before its time; what is written again is not locked.
  @Test(.timeLimit(.minutes(15))) func recordsAreLocked() async throws {
    let server = try await TestServers.seaweed()
    let credentials = S3Credentials(accessKeyID: server.accessKeyID, secretAccessKey: server.secretAccessKey)
    func store(_ bucket: String, _ lock: Duration?) throws -> S3Store {
      try Self.makeStore(
        endpoint: server.endpoint, bucket: bucket, credentials: credentials, threshold: 5 << 20, lock: lock)
    }
    let locked = try store("souk-\(TestServers.uniqueName())", .seconds(86_400))
    let contract = StoreContract(store: locked)
    try await locked.prepare()
    try await locked.prepare()
    for (name, size, isRecord) in [("record", 10, true), ("in-parts", 6 << 20, true), ("catalogue", 10, false)] {
      let key = try ObjectKey(name)
      var body = ObjectBody(StoreContract.pattern(size))
      body.isRecord = isRecord
      _ = try await locked.put(body, at: key, contentType: "application/gzip")
      let head = try await locked.sendRepeatedly("HEAD", name).head.headers
      #expect(head["x-amz-object-lock-mode"] == (isRecord ? "COMPLIANCE" : nil))
      let version = [("versionId", try #require(head["x-amz-version-id"]))]
      let refused = await contract.error { _ = try await locked.send("DELETE", key, query: version) }
      #expect(refused?.kind == (isRecord ? .accessDenied : nil))
      guard isRecord else { continue }
      // Gone from its name, and there all the same.
      try await locked.delete(key)
      #expect(try await locked.head(key) == nil)
      #expect(try await locked.send("GET", key, query: version).body == StoreContract.pattern(size))
    }
    // A bucket that cannot lock is refused before the first record.
    let bucket = "souk-\(TestServers.uniqueName())"
    try await store(bucket, nil).prepare()
    let plain = try store(bucket, .seconds(60))
    for failure in [
      await contract.error { try await plain.check() }, await contract.error { try await plain.prepare() },
    ] { #expect(failure?.errorClass == .configuration && failure?.message.contains("no Object Lock") == true) }
  }

  @Test(.timeLimit(.minutes(15))) func aMissingBucketIsNotAMissingObject() async throws {
    let store = try await makeStore(bucket: "souk-\(TestServers.uniqueName())")
    let contract = StoreContract(store: store)
    let key = try ObjectKey("x")
    let head = await contract.error { _ = try await store.head(key) }
    #expect(head?.kind == .noSuchBucket && head?.errorClass == .configuration)
    let get = await contract.error { _ = try await store.bytes(of: key, limit: 1) }
    #expect(get?.kind == .noSuchBucket)
    let check = await contract.error { try await store.check() }
    #expect(check?.kind == .noSuchBucket)
  }

  @Test(.timeLimit(.minutes(15))) func aWrongSecretIsAConfigurationError() async throws {
    let store = try await makeStore(bucket: "souk-test", secret: "WRONGSECRET")
    let contract = StoreContract(store: store)
    let key = try ObjectKey("x")
    for failure in [
      await contract.error { try await store.check() },
      await contract.error { _ = try await store.bytes(of: key, limit: 1) },
    ] {
      #expect(failure?.errorClass == .configuration)
      #expect(failure.map { !"\($0)".contains("WRONGSECRET") } == true)
    }
  }
}

/// Storage classes, against a server that has an archive, and against SeaweedFS, which knows them by name.
@Suite struct S3TierTests {
  @Test(.timeLimit(.minutes(15))) func aCopyOntoItselfChangesTheClassAlone() async throws {
    let server = try await TestServers.seaweed()
    let credentials = S3Credentials(accessKeyID: server.accessKeyID, secretAccessKey: server.secretAccessKey)
    let store = try S3StoreTests.makeStore(
      endpoint: server.endpoint, bucket: "souk-\(TestServers.uniqueName())", prefix: "pre fix",
      credentials: credentials)
    try await store.prepare()
    let key = try ObjectKey("a b/ש+")
    var body = ObjectBody(StoreContract.pattern(5_000))
    body.notes = ["rows": "12"]
    _ = try await store.put(body, at: key, contentType: "application/gzip")
    let before = try #require(try await store.state(of: key))
    #expect(before.tier == "STANDARD" && before.notes == ["rows": "12"] && before.info.sha256 == body.sha256)
    for _ in 0..<2 { try await store.move(key, to: "GLACIER") }
    let after = try #require(try await store.state(of: key))
    #expect(after.tier == "GLACIER" && after.notes == before.notes && after.info.sha256 == body.sha256)
    #expect(try await store.bytes(of: key, limit: 5_000) == StoreContract.pattern(5_000))
    #expect(try await store.restore(key, to: "", days: 3), "read as any other")
    #expect(await StoreContract(store: store).error { try await store.move(ObjectKey("no"), to: "GLACIER") }?.kind
      == .noSuchKey)
    let abilities = try await store.abilities(of: "GLACIER")
    #expect(abilities.moves && !abilities.restores && abilities.reason?.contains("does not do that") == true)
  }

  @Test func anArchivedObjectIsRestored() async throws {
    let restore = Mutex<String?>(nil)
    let server = try HostileServer { request, connection in
      let header = restore.withLock { $0 }.map { ["x-amz-restore: \($0)"] } ?? []
      switch request.line.split(separator: " ")[0] {
      case "HEAD":
        connection.send((["HTTP/1.1 200 OK", "Content-Length: 5", "x-amz-storage-class: DEEP_ARCHIVE"] + header)
          .joined(separator: "\r\n") + "\r\n\r\n")
      case "POST":
        restore.withLock { $0 = "ongoing-request=\"true\"" }
        connection.answer("202 Accepted")
      default: connection.answer("403 Forbidden", body: "<Error><Code>InvalidObjectState</Code></Error>")
      }
    }
    let store = try S3StoreTests.makeStore(endpoint: server.url)
    let key = try ObjectKey("x")
    let contract = StoreContract(store: store)
    #expect(try await store.state(of: key)?.access == .archived)
    #expect(await contract.error { _ = try await store.bytes(of: key, limit: 9) }?.kind == .archived)
    #expect(await contract.error { try await store.move(key, to: "STANDARD") }?.kind == .archived)
    for _ in 0..<2 { #expect(try await store.restore(key, to: "", days: 9) == false) }
    let asked = server.requests.filter { $0.line.hasPrefix("POST") }
    #expect(asked.count == 1, "once it is under way it is not asked for again")
    #expect(asked.first.map { String(decoding: $0.body, as: UTF8.self).contains("<Days>9</Days>") } == true)
    #expect(asked.first?.path.hasSuffix("x?restore=") == true)
    #expect(try await store.state(of: key)?.access == .restoring)
    restore.withLock { $0 = "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2029 00:00:00 GMT\"" }
    #expect(try await store.restore(key, to: "", days: 9))
    #expect(try await store.state(of: key)?.restoredUntil == "Fri, 21 Dec 2029 00:00:00 GMT")
  }
}

/// Against a server with faults.
@Suite struct S3HostileTests {
  private static func error(_ code: String) -> String { "<Error><Code>\(code)</Code><Message>m</Message></Error>" }

  @Test func onlySmallRequestsAreRetried() async throws {
    let count = Mutex(0)
    let server = try HostileServer { request, connection in
      let attempt = count.withLock { $0 += 1; return $0 }
      if request.line.hasPrefix("PUT") || attempt < 3 {
        connection.answer("503 Slow Down", headers: ["Retry-After: 1"], body: Self.error("SlowDown"))
      } else {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-amz-meta-sha256: junk\r\n\r\n")
      }
    }
    let store = try S3StoreTests.makeStore(endpoint: server.url)
    let head = try await store.head(ObjectKey("x"))
    #expect(head?.size == 5 && head?.sha256 == nil)
    #expect(server.requests.count == 3)
    let failure = await StoreContract(store: store).error {
      _ = try await store.put(ObjectBody([1]), at: ObjectKey("x"), contentType: "text/plain")
    }
    #expect(failure?.kind == .slowDown && failure?.retryAfter == .seconds(1))
    #expect(server.requests.count == 4)
  }

  @Test func aTruncatedObjectIsAnError() async throws {
    let server = try HostileServer { _, connection in
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nabc")
      connection.hangUp()
    }
    let store = try S3StoreTests.makeStore(endpoint: server.url)
    do {
      _ = try await store.bytes(of: ObjectKey("x"), limit: 1000)
      Issue.record("three bytes were taken for a hundred")
    } catch {
      #expect(ErrorClass(of: error) == .transient)
    }
  }

  @Test func aFailedUploadIsAborted() async throws {
    let server = try HostileServer { request, connection in
      switch request.line.split(separator: " ")[0] {
      case "POST" where request.path.hasSuffix("uploads="):
        connection.answer("200 OK", body: "<R><UploadId>u</UploadId></R>")
      case "PUT":
        connection.answer("200 OK", headers: ["ETag: \"e\""])
      case "POST":
        // The answer that begins well and ends badly.
        connection.answer("200 OK", body: Self.error("InternalError"))
      default:
        connection.answer("204 No Content")
      }
    }
    let store = try S3StoreTests.makeStore(endpoint: server.url, threshold: 5 << 20)
    let body = ObjectBody(StoreContract.pattern(6 << 20))
    let failure = await StoreContract(store: store).error {
      _ = try await store.put(body, at: ObjectKey("x"), contentType: "text/plain")
    }
    #expect(failure?.errorClass == .transient)
    #expect(server.requests.last?.line == "DELETE /bucket/x?uploadId=u HTTP/1.1")
    let parts = server.requests.filter { $0.line.hasPrefix("PUT") }
    #expect(parts.map(\.body.count) == [5 << 20, 1 << 20])
    #expect(parts.map { $0.headers["x-amz-content-sha256"] } == parts.map { SHA256.hash($0.body).hex })
  }

  @Test func answersThatAreNotS3AreUnreadable() async throws {
    let server = try HostileServer { _, connection in connection.answer("200 OK", body: "<html>hello</html>") }
    let store = try S3StoreTests.makeStore(endpoint: server.url)
    let failure = await StoreContract(store: store).error { _ = try await store.list(prefix: "", from: nil, limit: 10) }
    #expect(failure?.kind == .protocolViolated && failure?.errorClass == .fatal)
  }

  @Test func redirectsAreConfigurationErrors() async throws {
    let server = try HostileServer { _, connection in
      connection.answer(
        "301 Moved Permanently", headers: ["Location: http://127.0.0.2/", "x-amz-bucket-region: il-central-1"],
        body: Self.error("PermanentRedirect"))
    }
    let store = try S3StoreTests.makeStore(endpoint: server.url)
    let failure = await StoreContract(store: store).error { _ = try await store.bytes(of: ObjectKey("x"), limit: 1) }
    #expect(failure?.kind == .wrongEndpoint && failure?.message.contains("il-central-1") == true)
    #expect(server.requests.count == 1)
  }
}
