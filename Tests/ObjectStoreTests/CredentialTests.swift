import ArgumentParser
@testable import AWSCredentials
import Core
import Glibc
import HTTP
@testable import ObjectStoreFlags
import Synchronization
import Testing
import TestSupport

@testable import ObjectStore

/// The sources of credentials, their order and their renewal, against local servers.
@Suite struct CredentialTests {
  private final class Clock: Sendable {
    private let seconds = Mutex<Int64>(1_700_000_000)
    var now: Int64 { seconds.withLock { $0 } }
    func advance(_ by: Int64) { seconds.withLock { $0 += by } }
  }

  /// A scripted source: its answers in order; the last one repeats.
  private struct Scripted: CredentialSource {
    let name = "a script"
    let asked = Shared(0)
    let answer: @Sendable (Int) throws -> Issued<S3Credentials>?

    func fetch() async throws -> Issued<S3Credentials>? {
      try answer(asked.next())
    }

    final class Shared: Sendable {
      private let value: Mutex<Int>
      init(_ value: Int) { self.value = Mutex(value) }
      var count: Int { value.withLock { $0 } }
      func next() -> Int {
        value.withLock { value in
          defer { value += 1 }
          return value
        }
      }
    }
  }

  private static func keys(_ id: String, until expiry: Int64? = nil) -> Issued<S3Credentials> {
    Issued(S3Credentials(accessKeyID: id, secretAccessKey: "s", sessionToken: "t"), expiresAt: expiry)
  }

  @Test func theFirstSourceWithCredentialsIsKept() async throws {
    let nothing = Scripted { _ in nil }
    let found = Scripted { _ in Self.keys("A") }
    let later = Scripted { _ in Self.keys("B") }
    let chain = CredentialChain([nothing, found, later], now: { 0 })
    for _ in 0..<3 { #expect(try await chain.current().accessKeyID == "A") }
    #expect(nothing.asked.count == 1 && found.asked.count == 1 && later.asked.count == 0)
  }

  @Test func credentialsAreRenewedBeforeTheyExpire() async throws {
    let clock = Clock()
    let start = clock.now
    let source = Scripted { attempt in Self.keys("\(attempt)", until: start + 3600 * Int64(attempt + 1)) }
    let chain = CredentialChain([source], margin: 300, now: { clock.now })
    #expect(try await chain.current().accessKeyID == "0")
    clock.advance(3299)
    #expect(try await chain.current().accessKeyID == "0")
    clock.advance(2)
    #expect(try await chain.current().accessKeyID == "1")
  }

  @Test func validCredentialsSurviveAnOutageOfTheirSource() async throws {
    let clock = Clock()
    let expiry = clock.now + 3600
    let source = Scripted { attempt in
      if attempt > 0 { throw ObjectStoreError(.unavailable, "down") }
      return Self.keys("A", until: expiry)
    }
    let chain = CredentialChain([source], margin: 300, now: { clock.now })
    _ = try await chain.current()
    clock.advance(3400)
    #expect(try await chain.current().accessKeyID == "A")
    #expect(try await chain.current().accessKeyID == "A")
    #expect(source.asked.count == 2, "not asked again at once")
    clock.advance(200)
    await #expect { _ = try await chain.current() } throws: { ErrorClass(of: $0) == .transient }
  }

  @Test func concurrentCallersShareOneFetch() async throws {
    let source = Scripted { _ in Self.keys("A") }
    let chain = CredentialChain([source], now: { 0 })
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<50 { group.addTask { _ = try await chain.current() } }
      try await group.waitForAll()
    }
    #expect(source.asked.count == 1)
  }

  /// The store rejects a session before its end.
  @Test func anExpiredSessionIsReplacedOnce() async throws {
    let clock = Clock()
    let source = Scripted { attempt in Self.keys("\(attempt)", until: clock.now + 3600) }
    let chain = CredentialChain([source], now: { clock.now })
    let first = try await chain.current()
    #expect(await !chain.refused(first), "fetched only now: wrong, not old")
    clock.advance(100)
    #expect(await chain.refused(first))
    let second = try await chain.current()
    #expect(second.accessKeyID == "1")
    #expect(await chain.refused(first), "a late answer about the old ones")
    #expect(await !S3Credentials(accessKeyID: "a", secretAccessKey: "b").refused(first))
  }

  // MARK: The services

  private static let client = Result { try HTTPClient(HTTPConfiguration(
    addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk-tests", name: "credentials")) }

  private func provider(_ arguments: [String], home: String = "/nowhere") throws -> any CredentialProvider {
    try CredentialOptions.parse(arguments).provider(region: "eu-north-1", client: Self.client.get(), home: home)
  }

  @Test func keysOfFilesAreReadAgain() async throws {
    try await withTemporaryDirectory { folder in
      let id = try await file("ID1", in: folder, "id")
      let secret = try await file("one\n", in: folder, "secret")
      let provider = try provider(["--aws-access-key-id", "file:\(id)", "--aws-secret-access-key", "file:\(secret)"])
      let first = try await provider.current()
      #expect(first == S3Credentials(accessKeyID: "ID1", secretAccessKey: "one"))
      #expect(await !provider.refused(first), "they are the same still")
      _ = try await file("ID2", in: folder, "id")
      _ = try await file("two", in: folder, "secret")
      #expect(await provider.refused(first), "the request is worth repeating")
      #expect(try await provider.current() == S3Credentials(accessKeyID: "ID2", secretAccessKey: "two"))
      #expect(throws: Failure.self) {
        try self.provider(["--aws-access-key-id", "ID", "--aws-secret-access-key", "file:/nonexistent/secret"])
      }
    }
  }

  private func file(_ text: String, in folder: String, _ name: String = "token") async throws -> String {
    let store = try FileStore(path: folder)
    _ = try await store.put(ObjectBody(Array(text.utf8)), at: ObjectKey(name), contentType: "text/plain")
    return "\(folder)/\(name)"
  }

  private static let issued = """
    <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
      <AssumeRoleWithWebIdentityResult>
        <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/souk</Arn></AssumedRoleUser>
        <Credentials><AccessKeyId>WEB</AccessKeyId><SecretAccessKey>a/b+c&amp;d</SecretAccessKey>
        <SessionToken>session==</SessionToken><Expiration>2099-01-20T01:05:00.5Z</Expiration></Credentials>
      </AssumeRoleWithWebIdentityResult>
    </AssumeRoleWithWebIdentityResponse>
    """

  @Test func aWebIdentityAssumesItsRole() async throws {
    let sts = try HostileServer { _, connection in connection.answer("200 OK", body: Self.issued) }
    try await withTemporaryDirectory { folder in
      let token = try await file("ey.J0+/=\n", in: folder)
      let provider = try provider([
        "--aws-web-identity-token-file", token, "--aws-role-arn", "arn:aws:iam::1:role/r", "--aws-endpoint-url-sts",
        sts.url, "--aws-ec2-metadata-disabled",
      ])
      let found = try await provider.current()
      #expect(found == S3Credentials(
        accessKeyID: "WEB", secretAccessKey: "a/b+c&d", sessionToken: "session=="))
      #expect(String(decoding: sts.requests[0].body, as: UTF8.self)
        == "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr"
        + "&RoleSessionName=souk&WebIdentityToken=ey.J0%2B%2F%3D")
      _ = try await provider.current()
      #expect(sts.requests.count == 1)
    }
  }

  @Test(arguments: [
    ("400 Bad Request", "InvalidIdentityToken", ErrorClass.configuration),
    ("403 Forbidden", "AccessDenied", .configuration), ("400 Bad Request", "IDPCommunicationError", .transient),
    ("503 Service Unavailable", "", .transient), ("200 OK", "", .fatal),
  ])
  func tokenServiceErrorsAreClassified(status: String, code: String, expected: ErrorClass) async throws {
    let sts = try HostileServer { _, connection in
      connection.answer(status, body: "<ErrorResponse><Error><Code>\(code)</Code></Error></ErrorResponse>")
    }
    try await withTemporaryDirectory { folder in
      let token = try await file("TOPSECRET", in: folder)
      let provider = try provider([
        "--aws-web-identity-token-file", token, "--aws-role-arn", "r", "--aws-endpoint-url-sts", sts.url,
      ])
      await #expect { _ = try await provider.current() } throws: {
        ErrorClass(of: $0) == expected && !"\($0)".contains("TOPSECRET")
      }
    }
  }

  private static func document(_ id: String) -> String {
    #"{"Code":"Success","AccessKeyId":"\#(id)","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-20T01:05:00Z"}"#
  }

  @Test func aContainerAsksItsEndpointWithItsToken() async throws {
    let endpoint = try HostileServer { _, connection in connection.answer("200 OK", body: Self.document("POD")) }
    try await withTemporaryDirectory { folder in
      let token = try await file("pod token\n", in: folder)
      let provider = try provider([
        "--aws-container-credentials-full-uri", "\(endpoint.url)/v1/credentials",
        "--aws-container-authorization-token-file", token, "--aws-ec2-metadata-disabled",
      ])
      #expect(try await provider.current().accessKeyID == "POD")
      #expect(endpoint.requests[0].path == "/v1/credentials")
      #expect(endpoint.requests[0].headers["authorization"] == "pod token")
    }
  }

  @Test(arguments: ["http://10.0.0.1/x", "http://example.com/x", "http://127.0.0.1.example.com/", "nonsense"])
  func aContainerEndpointElsewhereIsRefused(url: String) {
    #expect { try provider(["--aws-container-credentials-full-uri", url]) } throws: {
      ErrorClass(of: $0) == .configuration
    }
  }

  @Test func instanceMetadataUsesVersion2() async throws {
    let metadata = try HostileServer { request, connection in
      if request.line.hasPrefix("PUT /latest/api/token ") {
        guard request.headers["x-aws-ec2-metadata-token-ttl-seconds"] != nil else {
          return connection.answer("400 Bad Request")
        }
        return connection.answer("200 OK", body: "instance-session")
      }
      guard request.headers["x-aws-ec2-metadata-token"] == "instance-session" else {
        return connection.answer("401 Unauthorized")
      }
      switch request.path {
      case "/latest/meta-data/iam/security-credentials/": connection.answer("200 OK", body: "role name")
      case "/latest/meta-data/iam/security-credentials/role%20name":
        connection.answer("200 OK", body: Self.document("EC2"))
      default: connection.answer("404 Not Found")
      }
    }
    let provider = try provider(["--aws-ec2-metadata-service-endpoint", metadata.url])
    #expect(try await provider.current().accessKeyID == "EC2")
  }

  @Test func sourcesAreTriedInTheOrderOfAmazonsTools() async throws {
    let sts = try HostileServer { _, connection in connection.answer("200 OK", body: Self.issued) }
    let container = try HostileServer { _, connection in connection.answer("200 OK", body: Self.document("POD")) }
    try await withTemporaryDirectory { folder in
      let token = try await file("t", in: folder)
      let profile = "[default]\naws_access_key_id=FILE\naws_secret_access_key=s\n"
      _ = try await file(profile, in: folder, ".aws/credentials")
      let pod = ["--aws-container-credentials-full-uri", container.url]
      let web = ["--aws-web-identity-token-file", token, "--aws-role-arn", "r", "--aws-endpoint-url-sts", sts.url]
      let given = ["--aws-access-key-id", "GIVEN", "--aws-secret-access-key", "s"]
      #expect(try await provider(pod).current().accessKeyID == "POD")
      #expect(try await provider(pod, home: folder).current().accessKeyID == "FILE")
      #expect(try await provider(pod + web, home: folder).current().accessKeyID == "WEB")
      #expect(try await provider(pod + web + given, home: folder).current().accessKeyID == "GIVEN")
    }
  }

  @Test(arguments: [
    ("2025-01-20T01:05:00Z", 1_737_335_100), ("1970-01-01T00:00:00Z", 0), ("2025-01-20T01:05:00.123Z", 1_737_335_100),
    ("2025-01-20T01:05:00+02:00", 1_737_327_900), ("2025-13-20T01:05:00Z", nil), ("tomorrow", nil), ("", nil),
  ] as [(String, Int64?)])
  func endsOfSessions(text: String, seconds: Int64?) {
    #expect(PlacedCredentials.seconds(text) == seconds)
  }

  // MARK: What objects are stored with

  @Test func storageClassAndEncryptionAreSentWithEveryObject() async throws {
    let server = try HostileServer { request, connection in
      if request.path.hasSuffix("uploads=") {
        connection.answer("200 OK", body: "<R><UploadId>u</UploadId></R>")
      } else {
        connection.answer("200 OK", headers: ["ETag: \"e\""], body: "<R><ETag>e</ETag></R>")
      }
    }
    let store = try ObjectStoreOptions.parse([
      "--object-store", "s3://bucket", "--s3-endpoint", server.url, "--aws-access-key-id", "a",
      "--aws-secret-access-key", "b", "--s3-storage-class", "STANDARD_IA", "--s3-sse", "aws:kms",
      "--s3-sse-kms-key-id", "arn:aws:kms:eu-north-1:1:key/k", "--s3-multipart-threshold", "5MiB", "--s3-part-size",
      "5MiB",
    ]).makeStore()
    _ = try await store.put(ObjectBody([1, 2, 3]), at: ObjectKey("small"), contentType: "text/plain")
    _ = try await store.put(
      ObjectBody([UInt8](repeating: 7, count: 6 << 20)), at: ObjectKey("large"), contentType: "text/plain")
    let begun = server.requests.filter { $0.path == "/bucket/small" || $0.path.hasSuffix("uploads=") }
    #expect(begun.count == 2)
    for request in begun {
      #expect(request.headers["x-amz-storage-class"] == "STANDARD_IA")
      #expect(request.headers["x-amz-server-side-encryption"] == "aws:kms")
      #expect(request.headers["x-amz-server-side-encryption-aws-kms-key-id"] == "arn:aws:kms:eu-north-1:1:key/k")
      let signed = request.headers["authorization"] ?? ""
      #expect(signed.contains("x-amz-server-side-encryption;") && signed.contains("x-amz-storage-class"))
    }
    #expect { try ObjectStoreOptions.parse(["--s3-sse-kms-key-id", "k"]).makeStore() } throws: {
      ErrorClass(of: $0) == .configuration
    }
  }
}
