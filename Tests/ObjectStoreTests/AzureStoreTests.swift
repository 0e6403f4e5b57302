import Core
import Foundation
import HTTP
import LocalServers
@testable import ObjectStore
import Synchronization
import Testing
import TestSupport

extension AzureBlobServer {
  func store(
    _ container: String, prefix: String = "", credential: AzureCredential? = nil,
    _ change: (inout AzureConfiguration) -> Void = { _ in }
  ) throws -> AzureStore {
    let key = AzureCredential.key(try #require(Base64.decode(Self.key)))
    var configuration = AzureConfiguration(
      account: Self.account, endpoint: try HTTPURL(endpoint), container: container,
      credential: credential ?? key)
    configuration.prefix = prefix
    configuration.blockThreshold = 1 << 20
    configuration.blockBytes = 1 << 20
    change(&configuration)
    return try AzureStore(configuration, client: HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk-tests", name: "azure")))
  }

  /// Runs `azure_client.py`: the official SDK as the other side's client.
  func sdk(_ container: String, _ words: String...) async throws -> [String] {
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "azure_client.py").path
    let text = try await ChildProcess.runOrThrow(Launch(Self.python, [script, connection, container] + words))
    return text.split(separator: "\n").map(String.init)
  }
}

@Suite struct AzureStoreTests {
  @Test(.timeLimit(.minutes(15))) func keepsTheContractByKeyAndBySignature() async throws {
    try await AzureBlobServer.serving { server in
      try await StoreContract(store: server.store("by-key", prefix: "pre fix/x")).run()
      let signatures = try await server.sdk("by-key", "sas")
      // A signature for the container cannot make it; one for the account can.
      try await StoreContract(store: server.store("by-key", prefix: "y", credential: .sas(signatures[1]))).run()
      try await StoreContract(store: server.store("by-account", credential: .sas(signatures[2]))).run()
    }
  }

  @Test(.timeLimit(.minutes(15))) func theOfficialClientReadsWhatWasStoredAndTheOtherWayRound() async throws {
    try await AzureBlobServer.serving { server in
      let store = try server.store("shared") { $0.tier = "Cool" }
      try await store.prepare()
      for (name, size) in [("one & two/שלום+.gz", 70_000), ("blocks", (3 << 20) + 12_345)] {
        let bytes = StoreContract.pattern(size)
        let info = try await store.put(ObjectBody(bytes), at: ObjectKey(name), contentType: "application/gzip")
        let hash = SHA256.hash(bytes).hex
        #expect(try await server.sdk("shared", "read", name) == ["\(size) \(hash) application/gzip Cool \(hash)"])
        let head = try #require(try await store.head(ObjectKey(name)))
        #expect(head == info)
      }
      #expect(try await server.sdk("shared", "names") == ["blocks", "one & two/שלום+.gz"])
      _ = try await server.sdk("shared", "write", "theirs", "2500000")
      #expect(try await store.bytes(of: ObjectKey("theirs"), limit: 1 << 22) == StoreContract.pattern(2_500_000))
    }
  }

  /// As the official client reads it, of a blob that was sent whole and of one in blocks.
  @Test(.timeLimit(.minutes(15))) func recordsAreLocked() async throws {
    try await AzureBlobServer.serving { server in
      let store = try server.store("locked") { $0.lock = .seconds(10 * 86_400 + 3_600) }
      try await store.prepare()
      for (name, size, isRecord) in [("record", 10, true), ("blocks", 2 << 20, true), ("catalogue", 10, false)] {
        var body = ObjectBody(StoreContract.pattern(size))
        body.isRecord = isRecord
        _ = try await store.put(body, at: ObjectKey(name), contentType: "text/plain")
        #expect(try await server.sdk("locked", "lock", name) == [isRecord ? "locked 10" : "None None"])
      }
    }
  }

  @Test(.timeLimit(.minutes(15))) func createOnceReplacesNothing() async throws {
    try await AzureBlobServer.serving { server in
      let store = try server.store("write-once") { $0.createsOnce = true }
      try await store.prepare()
      for (name, size) in [("small", 10), ("blocks", 2 << 20)] {
        let key = try ObjectKey(name)
        let body = ObjectBody(StoreContract.pattern(size))
        let first = try await store.put(body, at: key, contentType: "text/plain")
        // The same again, as after a crash before the commit: stored, and not written twice.
        #expect(try await store.put(body, at: key, contentType: "text/plain") == first)
        let failure = await StoreContract(store: store).error {
          _ = try await store.put(ObjectBody([UInt8](repeating: 1, count: size)), at: key, contentType: "text/plain")
        }
        #expect(failure?.kind == .exists && failure?.errorClass == .data)
        #expect(try await store.bytes(of: key, limit: size) == StoreContract.pattern(size))
      }
    }
  }

  @Test(.timeLimit(.minutes(15))) func causesAreTold() async throws {
    try await AzureBlobServer.serving { server in
      let store = try server.store("causes")
      let contract = StoreContract(store: store)
      let key = try ObjectKey("x")
      for failure in [
        await contract.error { _ = try await store.head(key) },
        await contract.error { _ = try await store.bytes(of: key, limit: 1) },
        await contract.error { try await store.delete(key) }, await contract.error { try await store.check() },
      ] { #expect(failure?.kind == .noSuchBucket) }
      try await store.prepare()
      _ = try await store.put(ObjectBody([1]), at: key, contentType: "text/plain")
      // An archived blob is listed and described, and not read.
      _ = try await server.sdk("causes", "tier", "x", "Archive")
      #expect(try await store.head(key)?.size == 1)
      #expect(await contract.error { _ = try await store.bytes(of: key, limit: 1) }?.kind == .archived)
      // A wrong key, a right to read only, and a signature that was changed.
      let signatures = try await server.sdk("causes", "sas")
      let changed = signatures[1].replacingOccurrences(of: "sp=rcwdl", with: "sp=rcwl")
      for (credential, kind) in [
        (AzureCredential.key(Array("WRONGSECRET".utf8)), ObjectStoreErrorKind.badCredentials),
        (.sas(signatures[0]), .accessDenied), (.sas(changed), .badCredentials),
      ] {
        let other = try server.store("causes", credential: credential)
        let failure = await contract.error { _ = try await other.put(ObjectBody([2]), at: key, contentType: "a/b") }
        #expect(failure?.kind == kind && failure?.errorClass == .configuration, "\(String(describing: failure))")
        #expect(failure.map { !"\($0)".contains("sig=") && !"\($0)".contains("WRONG") } == true)
      }
      #expect(try await server.store("causes", credential: .sas(signatures[0])).head(key)?.size == 1)
    }
  }

  /// One token for many requests, renewed before it expires; after a refusal an old token is replaced once.
  @Test(.timeLimit(.minutes(15))) func anIdentityNeedsNoKey() async throws {
    try await withTemporaryDirectory { folder in
      try await AzureBlobServer.serving { server in
        let tokens = Mutex(["good-1", "good-2", "bad-3", "good-4"])
        let clock = Mutex<Int64>(1_000_000)
        let issuer = try HostileServer { request, connection in
          let isFederated = request.path == "/tenant/oauth2/v2.0/token"
          let body = String(decoding: request.body, as: UTF8.self)
          let isRight = isFederated
            ? request.line.hasPrefix("POST ") && body.contains("client_assertion=federated") && body.contains("=me&")
            : request.headers["metadata"] == "true" && request.path.hasSuffix("=https%3A%2F%2Fstorage.azure.com%2F")
          guard isRight else { return connection.answer("400 Bad Request") }
          let token = tokens.withLock { $0.removeFirst() }
          let life = isFederated ? "3600" : "\"3600\""
          connection.answer("200 OK", body: #"{"access_token":"\#(token)","expires_in":\#(life)}"#)
        }
        let endpoint = try HTTPURL(issuer.url)
        let now: @Sendable () -> Int64 = { clock.withLock { $0 } }
        let machine = AzureIdentity(.machine(endpoint: endpoint, clientID: nil), now: now)
        let store = try server.store("identity", credential: .identity(machine))
        try await StoreContract(store: store).run()
        #expect(issuer.requests.count == 1)
        clock.withLock { $0 += 3_400 }
        try await store.check()
        #expect(issuer.requests.count == 2, "renewed before its end")
        clock.withLock { $0 += 3_400 }
        let contract = StoreContract(store: store)
        #expect(await contract.error { try await store.check() }?.errorClass == .configuration, "a new one is refused")
        clock.withLock { $0 += 100 }
        try await store.check()
        #expect(issuer.requests.count == 4)
        try "federated\n".write(toFile: folder + "/token", atomically: true, encoding: .utf8)
        tokens.withLock { $0 = ["good-5"] }
        let pod = AzureIdentity(.federated(
          authority: endpoint, tenantID: "tenant", clientID: "me", tokenFile: folder + "/token"), now: now)
        try await server.store("identity", credential: .identity(pod)).check()
      }
    }
  }

  /// To colder tiers and back out of the archive, as the official client sees it.
  @Test(.timeLimit(.minutes(15))) func movesAndRestores() async throws {
    try await AzureBlobServer.serving(looks: 3) { server in
      let store = try server.store("tiers", prefix: "p")
      try await store.prepare()
      let key = try ObjectKey("a b/ש")
      var body = ObjectBody(StoreContract.pattern(5_000))
      body.notes = ["rows": "12", "first": "-3"]
      _ = try await store.put(body, at: key, contentType: "application/gzip")
      let new = try #require(try await store.state(of: key))
      #expect(new.tier == "Hot" && new.access == .readable && new.notes == ["rows": "12", "first": "-3"])
      #expect(new.info.sha256 == body.sha256 && new.info.size == 5_000)
      #expect(try await store.restore(key, to: "Hot", days: 1), "it can be read")
      for tier in ["Cool", "Cool", "Cold"] {
        try await store.move(key, to: tier)
        #expect(try await server.sdk("tiers", "read", "p/a b/ש").first?.contains(" application/gzip \(tier) ") == true)
      }
      for _ in 0..<2 { try await store.move(key, to: "Archive") }
      #expect(try await store.state(of: key)?.access == .archived)
      let contract = StoreContract(store: store)
      #expect(await contract.error { _ = try await store.bytes(of: key, limit: 5_000) }?.kind == .archived)
      #expect(await contract.error { try await store.move(key, to: "Cool") }?.kind == .archived)
      #expect(try await store.restore(key, to: "Hot", days: 1) == false)
      #expect(try await server.sdk("tiers", "state", "p/a b/ש") == ["Archive rehydrate-pending-to-hot"])
      // Asked for once more, as after a crash; then it is there.
      #expect(try await store.restore(key, to: "Hot", days: 1) == false)
      #expect(await contract.error { try await store.move(key, to: "Archive") }?.kind == .archived)
      try await eventually("it is restored", interval: .milliseconds(5)) {
        try await store.restore(key, to: "Hot", days: 1)
      }
      #expect(try await store.state(of: key)?.tier == "Hot")
      #expect(try await store.bytes(of: key, limit: 5_000) == StoreContract.pattern(5_000))
      #expect(try await store.state(of: ObjectKey("none")) == nil)
      #expect(await contract.error { try await store.move(ObjectKey("none"), to: "Cool") }?.kind == .noSuchKey)
      #expect(try await store.abilities(of: "Archive") == TierAbilities(moves: true, restores: true))
      #expect(try await store.abilities(of: "Lukewarm").moves == false)
    }
  }

  @Test func onlySmallRequestsAreRetried() async throws {
    let count = Mutex(0)
    let server = try HostileServer { request, connection in
      let attempt = count.withLock { $0 += 1; return $0 }
      guard request.line.hasPrefix("PUT") || attempt < 3 else {
        return connection.answer("404 Not Found", headers: ["x-ms-error-code: BlobNotFound"])
      }
      connection.answer("503 Busy", headers: ["x-ms-error-code: ServerBusy", "Retry-After: 1"])
    }
    let configuration = AzureConfiguration(
      account: "a", endpoint: try HTTPURL(server.url), container: "con", credential: .key([1]))
    let store = try AzureStore(configuration, client: HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk-tests", name: "azure")))
    #expect(try await store.head(ObjectKey("x")) == nil)
    #expect(server.requests.count == 3)
    let failure = await StoreContract(store: store).error {
      _ = try await store.put(ObjectBody([1]), at: ObjectKey("x"), contentType: "text/plain")
    }
    #expect(failure?.kind == .slowDown && failure?.retryAfter == .seconds(1))
    #expect(server.requests.count == 4)
  }

  @Test func theDateIsThatOfHTTP() {
    // RFC 9110, section 5.6.7.
    #expect(CivilDate.httpText(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
  }
}
