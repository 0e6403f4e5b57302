import ArgumentParser
import Core
@testable import KafkaFlags
import LocalServers
import Synchronization
import Testing
import TestSupport

import Foundation
import Glibc

@testable import Kafka

/// What librdkafka 2.0.2 and 2.16 say: most as recorded beside OpenSSL's s_server and a broker; the words of
/// OAUTHBEARER, client certificates and ACLs as the sources put them together.
@Suite struct RefusalWordsTests {
  @Test(arguments: [
    ("_AUTHENTICATION", "SASL authentication error: Authentication failed: Invalid username or password", .login),
    ("_AUTHENTICATION", "SASL authentication error: Authentication failed during authentication due to invalid "
      + "credentials with SASL mechanism SCRAM-SHA-256", .login),
    ("_AUTHENTICATION", "SASL SCRAM-SHA-256 mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's "
      + "supported mechanisms: PLAIN", .mechanism),
    ("_AUTHENTICATION", "SASL OAUTHBEARER mechanism handshake failed: Broker: Request not valid in current SASL state: "
      + "broker's supported mechanisms:  (after 1ms in state AUTH_HANDSHAKE)", nil),
    ("_AUTHENTICATION", "SASL PLAIN mechanism handshake failed: Local: Broker transport failure: broker's supported "
      + "mechanisms: ", nil),
    ("_AUTHENTICATION", "Failed to acquire SASL OAUTHBEARER token: Could not resolve host", nil),
    ("_AUTHENTICATION", "Failed to acquire SASL OAUTHBEARER token: HTTP code 401: invalid_client", .login),
    ("_AUTHENTICATION", "Failed to acquire SASL OAUTHBEARER token: Failed to retrieve OIDC token from "
      + "\"http://127.0.0.1:40133/token\": Couldn't connect to server (-1)", nil),
    ("_AUTHENTICATION", "Failed to acquire SASL OAUTHBEARER token: Failed to retrieve OIDC token from "
      + "\"http://127.0.0.1:8080/token\": no such client (401)", .login),
    ("_AUTHENTICATION", "Failed to acquire SASL OAUTHBEARER token: Failed to retrieve OIDC token from "
      + "\"http://127.0.0.1:8080/token\": {\"error\": \"invalid_client\"}", .login),
    ("_SSL", "SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker certificate could "
      + "not be verified, verify that ssl.ca.location is correctly configured", .untrusted),
    ("_SSL", "SSL handshake failed: certificate verify failed (certificate has expired)", .expired),
    ("_SSL", "SSL handshake failed: certificate verify failed (hostname mismatch)", .wrongName),
    ("_SSL", "SSL handshake failed: error:0A00010B:SSL routines::wrong version number", .plaintextPort),
    ("_SSL", "SSL handshake failed: sslv3 alert bad certificate: SSL alert number 42", .clientCertificate),
    ("_SSL", "SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener?", .plaintextPort),
    ("_TRANSPORT", "SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener?", .plaintextPort),
    ("_TRANSPORT", "Disconnected while requesting ApiVersion: might be caused by incorrect security.protocol "
      + "configuration (connecting to a SSL listener?)", .securePort),
    ("_TRANSPORT", "Disconnected: verify that security.protocol is correctly configured, broker might require SASL "
      + "authentication", .securePort),
    ("_TRANSPORT", "Disconnected: connection closed by peer: receive 0 after POLLIN (after 0ms in state "
      + "APIVERSION_QUERY)", .securePort),
    ("_TRANSPORT", "Disconnected: connection closed by peer (after 7ms in state UP)", .securePort),
    ("_TRANSPORT", "Disconnected: connection closed by peer (after 540000ms in state UP)", nil),
    ("_SSL", "SSL handshake failed: error:0A000126:SSL routines::unexpected eof while reading", .plaintextPort),
    ("_TRANSPORT", "error:0A000126:SSL routines::unexpected eof while reading (after 1ms in state SSL_HANDSHAKE)",
     .plaintextPort),
    ("_TRANSPORT", "Connect to ipv4#127.0.0.1:9092 failed: Connection refused", nil),
    ("_RESOLVE", "Failed to resolve 'kafka:9092': Name or service not known", .unknownHost),
    ("TOPIC_AUTHORIZATION_FAILED", "", .topicDenied), ("GROUP_AUTHORIZATION_FAILED", "", .groupDenied),
    ("CLUSTER_AUTHORIZATION_FAILED", "", .clusterDenied), ("_TIMED_OUT", "", nil),
  ] as [(String, String, Refusal?)])
  func wordsAreUnderstood(name: String, message: String, expected: Refusal?) {
    #expect(Refusal(name: name, message: message) == expected)
    let error = KafkaError(operation: "connect", name: name, rawCode: -1, message: message)
    #expect((error.errorClass == .configuration) == (expected?.isCertain == true))
  }

  @Test func aLibraryWithoutTokenServersRefusesTheSetting() throws {
    guard !Library.features.contains("oidc") else { return }
    let failure = #expect(throws: Failure.self) {
      _ = try Admin(
        properties: ["bootstrap.servers": "127.0.0.1:1", "sasl.oauthbearer.method": "oidc"], logger: Cluster.logger)
    }
    #expect(failure?.errorClass == .configuration && failure?.message.contains("sasl.oauthbearer.method") == true)
  }

  @Test func anOldLibrarySaysWhatItCannotDo() {
    func limits(_ properties: [String: String], _ version: Int32) -> [String] {
      Library.limits(of: properties, version: version, versionText: "x")
    }
    let scram = ["sasl.mechanisms": "SCRAM-SHA-512"]
    #expect(limits(scram, 0x0200_02ff).count == 1)
    #expect(limits(scram, 0x0200_02ff).first?.contains("2.6.1") == true)
    #expect(limits(["sasl.mechanism": "scram-sha-256"], 0x0206_00ff).count == 1)
    #expect(limits(scram, 0x0206_01ff).isEmpty)
    #expect(limits(["sasl.mechanisms": "PLAIN"], 0x0200_02ff).isEmpty)
    #expect(limits(["partition.assignment.strategy": "cooperative-sticky"], 0x0200_02ff).count == 1)
    #expect(limits(["partition.assignment.strategy": "cooperative-sticky"], 0x020a_01ff).isEmpty)
  }
}

/// Each way to refuse a login, at a port that does it: the check names it, and a consumer, a producer and a table fail
/// with it where a person has to act.
@Suite struct RefusedLoginTests {
  private func options(_ servers: String, _ properties: [String]) throws -> KafkaOptions {
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = servers
    options.kafkaProperty = properties
    return options
  }

  private func refusal(of options: KafkaOptions) async throws -> Failure {
    try await #require(throws: Failure.self) {
      _ = try await options.check(clientID: "x", topics: ["t"], within: Self.patience, logger: Cluster.logger)
    }
  }

  /// The time limit of a check under load; a refusal ends it within seconds.
  private static let patience: Duration = .seconds(90)

  private static let plain = ["security.protocol=sasl_plaintext", "sasl.mechanisms=PLAIN", "sasl.username=souk"]

  @Test func aWrongPasswordIsNamedAndEndsEveryClient() async throws {
    let server = try LoginServer(.refuses("Authentication failed: Invalid username or password"))
    let options = try options("127.0.0.1:\(server.port)", Self.plain + ["sasl.password=not-it"])
    let failure = try await refusal(of: options)
    #expect(failure.errorClass == .configuration && failure.code == "kafka_refused_login")
    #expect(failure.message.contains("check user name, password") && !failure.message.contains("not-it"))
    #expect(server.attempts > 0)

    let heard = Mutex<[Refusal?]>([])
    var configuration = try options.consumerConfiguration(clientID: "x", topics: ["t"], logger: Cluster.logger)
    configuration.onAccessProblem = { error in heard.withLock { $0.append(error?.refusal) } }
    let consumer = try Consumer(configuration)
    let ended = try await #require(throws: KafkaError.self) { _ = try await consumer.element() }
    #expect(ended.errorClass == .configuration && ended.refusal == .login)
    #expect((heard.withLock { $0.first } ?? nil) == .login)
    try await consumer.drain()

    let producer = try Producer(options.producerConfiguration(clientID: "x", logger: Cluster.logger))
    try await eventually("the producer refuses") { producer.core.admission.closedBy?.refusal == .login }
    await producer.close(within: .zero)

    let table = try TableReader(options.tableConfiguration(clientID: "x", topic: "t", logger: Cluster.logger)) { _ in }
    let unread = try await #require(throws: KafkaError.self) {
      _ = try await table.waitUntilCurrent(orUntil: Interruption())
    }
    #expect(unread.refusal == .login)
    await table.closeAndWait()
  }

  /// The server closes each connection after its login, so that the library logs in again and again.
  @Test(arguments: ["reference", "properties"])
  func aReplacedPasswordIsUsedAtTheNextLogin(_ place: String) async throws {
    try await withTemporaryDirectory { folder in
      let file = "\(folder)/secret"
      func write(_ password: String) throws {
        let line = place == "reference" ? password : "sasl.username=souk\n sasl.password = \(password)\n"
        try line.write(toFile: file, atomically: true, encoding: .utf8)
      }
      try write("first-1")
      let server = try LoginServer(.accepts("PLAIN"))
      var options = try options(
        "127.0.0.1:\(server.port)",
        place == "reference" ? Self.plain + ["sasl.password=file:\(file)"] : Array(Self.plain.prefix(2)))
      if place == "properties" { options.kafkaPropertiesFile = file }
      let consumer = try Consumer(options.consumerConfiguration(clientID: "x", topics: ["t"], logger: Cluster.logger))
      let producer = try Producer(options.producerConfiguration(clientID: "x", logger: Cluster.logger))
      func logins(_ password: String) -> Int { server.accepted.count { $0.hasSuffix("\u{0}souk\u{0}\(password)") } }
      try await eventually("both log in") { logins("first-1") >= 2 }
      #expect(logins("second-2") == 0)
      try write("second-2")
      try await eventually("both log in with the new one") { logins("second-2") >= 4 }
      try await consumer.drain()
      await producer.close(within: .zero)
    }
  }

  @Test func aServiceEndsBeforeItStarts() async throws {
    let server = try LoginServer(.refuses("Authentication failed"))
    let options = try options("127.0.0.1:\(server.port)", Self.plain + ["sasl.password=x"])
    let failure = try await #require(throws: Failure.self) {
      _ = try await options.waitUntilLetIn(
        clientID: "x", topics: ["t"], drain: Interruption(), logger: Cluster.logger) { _ in }
    }
    #expect(failure.errorClass == .configuration && failure.code == "kafka_refused_login")
  }

  @Test func aMechanismThatIsNotOfferedIsNamed() async throws {
    let server = try LoginServer(.offers(["SCRAM-SHA-256", "GSSAPI"]))
    let failure = try await refusal(of: options("127.0.0.1:\(server.port)", Self.plain + ["sasl.password=x"]))
    #expect(failure.code == "kafka_refused_mechanism" && failure.message.contains("SCRAM-SHA-256"))
  }

  @Test func certificatesAreNamedByWhatIsWrongWithThem() async throws {
    try await withTemporaryDirectory { folder in
      let authority = try await TestAuthority(in: folder)
      let good = try await authority.issue("good", for: "IP:127.0.0.1")
      let other = try await authority.issue("other", for: "DNS:elsewhere.example")
      let old = try await authority.issueExpired("old", for: "IP:127.0.0.1")
      let trusted = ["security.protocol=ssl", "ssl.ca.location=\(authority.file)"]
      // Another authority is any certificate that signed nothing of these.
      let stranger = ["security.protocol=ssl", "ssl.ca.location=\(other.chain)"]
      for (certificate, properties, expected) in [
        (good, stranger, Refusal.untrusted), (good, ["security.protocol=ssl"], .untrusted), (old, trusted, .expired),
        (other, trusted + ["ssl.endpoint.identification.algorithm=https"], .wrongName),
      ] {
        let (server, port) = try await TLSPort.start(certificate)
        let failure = try await refusal(of: options("127.0.0.1:\(port)", properties))
        #expect(failure.code == "kafka_refused_\(expected)", "\(failure)")
        #expect(failure.errorClass == .configuration)
        await server.stop()
      }
    }
  }

  @Test func theWrongKindOfPortIsNamed() async throws {
    let broker = try EmbeddedBroker()
    let tls = try await refusal(of: options(broker.bootstrapServers, ["security.protocol=ssl"]))
    #expect(tls.code == "kafka_refused_plaintextPort", "\(tls)")
    try await withTemporaryDirectory { folder in
      let authority = try await TestAuthority(in: folder)
      let (server, port) = try await TLSPort.start(try await authority.issue("good", for: "IP:127.0.0.1"))
      let plain = try await refusal(of: options("127.0.0.1:\(port)", []))
      #expect(plain.code == "kafka_refused_securePort", "\(plain)")
      await server.stop()
    }
  }

  @Test func anUnknownHostIsNamedAndWaitedFor() async throws {
    let options = try options("no-such-host.invalid:9092", [])
    let failure = try await refusal(of: options)
    #expect(failure.errorClass == .transient && failure.code == "kafka_refused_unknownHost", "\(failure)")
    let reasons = Mutex<[String?]>([])
    let drain = Interruption()
    async let isLetIn = options.waitUntilLetIn(
      clientID: "x", topics: ["t"], drain: drain, logger: Cluster.logger
    ) { reason in reasons.withLock { $0.append(reason) } }
    try await eventually("the reason is told") { reasons.withLock { $0.contains(Refusal.unknownHost.advice) } }
    drain.raise()
    #expect(try await isLetIn == false)
  }

  @Test func deniedTopicsAndGroupsAreNamed() async throws {
    guard Cluster.external == nil else { return }
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let options = try cluster.options()
    cluster.broker?.setTopicError(topic, 29)
    let denied = try await #require(throws: Failure.self) {
      _ = try await options.check(clientID: "x", topics: [topic], within: Self.patience, logger: Cluster.logger)
    }
    #expect(denied.code == "kafka_refused_topicDenied" && denied.errorClass == .configuration, "\(denied)")
    let reader = try cluster.consumer(topic, group: Cluster.unique("denied"))
    let unread = try await #require(throws: KafkaError.self) { _ = try await reader.element() }
    #expect(unread.refusal == .topicDenied && unread.errorClass == .configuration)
    try await reader.drain()
    cluster.broker?.setTopicError(topic, 0)

    let codes = [Int32](repeating: 30, count: 100)
    cluster.broker?.fail(.findCoordinator, with: codes)
    let group = try await #require(throws: Failure.self) {
      _ = try await options.check(clientID: "x", topics: [topic], within: Self.patience, logger: Cluster.logger)
    }
    #expect(group.code == "kafka_refused_groupDenied", "\(group)")
    let found = try await options.check(
      clientID: "x", topics: [topic], consumes: false, within: Self.patience, logger: Cluster.logger)
    #expect(found.contains("1 topics present"))
    let member = try cluster.consumer(topic, group: Cluster.unique("denied"))
    let stopped = try await #require(throws: KafkaError.self) { _ = try await member.element() }
    #expect(stopped.refusal == .groupDenied && stopped.errorClass == .configuration)
    try await member.drain()
  }
}

/// OAUTHBEARER with tokens of a server, where the library is built with it; Debian's 2.0.2 is not.
@Suite(.enabled(if: Library.features.contains("oidc"), "this librdkafka is built without OIDC"))
struct TokenServerTests {
  private static let secret = "top-secret"

  /// A token for `souk` until 2100. Brokers check signatures; clients do not.
  private static let token: String = {
    func part(_ json: String) -> String {
      Data(json.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
    return part(#"{"alg":"none"}"#) + "." + part(#"{"sub":"souk","iat":1700000000,"exp":4102444800}"#) + "."
  }()

  private func options(_ server: LoginServer, tokens: String) throws -> KafkaOptions {
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = "127.0.0.1:\(server.port)"
    options.kafkaProperty = [
      "security.protocol=sasl_plaintext", "sasl.mechanism=OAUTHBEARER", "sasl.oauthbearer.method=oidc",
      "sasl.oauthbearer.client.id=prices", "sasl.oauthbearer.client.secret=\(Self.secret)",
      "sasl.oauthbearer.scope=kafka", "sasl.oauthbearer.token.endpoint.url=\(tokens)",
    ]
    return options
  }

  private func failure(_ options: KafkaOptions, within limit: Duration) async throws -> Failure {
    try await #require(throws: Failure.self) {
      _ = try await options.check(clientID: "x", topics: ["t"], within: limit, logger: Cluster.logger)
    }
  }

  @Test func theServersTokenLogsEveryClientIn() async throws {
    let tokens = try HostileServer { _, connection in
      connection.answer("200 OK", headers: ["Content-Type: application/json"], body: """
        {"access_token":"\(Self.token)","token_type":"Bearer","expires_in":3600}
        """)
    }
    let server = try LoginServer(.accepts("OAUTHBEARER"))
    let options = try options(server, tokens: tokens.url + "/token")
    func loggedIn(_ client: String, times: Int) async throws {
      try await eventually("\(client) logs in") { server.accepted.count >= times }
    }
    let consumer = try Consumer(options.consumerConfiguration(clientID: "x", topics: ["t"], logger: Cluster.logger))
    try await loggedIn("the consumer", times: 1)
    try await consumer.drain()
    let before = server.accepted.count
    let producer = try Producer(options.producerConfiguration(clientID: "x", logger: Cluster.logger))
    try await loggedIn("the producer", times: before + 1)
    await producer.close(within: .zero)
    #expect(server.accepted.allSatisfy { $0.contains("auth=Bearer \(Self.token)") })
    let request = try #require(tokens.requests.first)
    let credentials = Data("prices:\(Self.secret)".utf8).base64EncodedString()
    #expect(request.headers["authorization"] == "Basic \(credentials)")
    let body = String(decoding: request.body, as: UTF8.self)
    #expect(body.contains("grant_type=client_credentials") && body.contains("scope=kafka"))
  }

  @Test func aClientThatTheTokenServerRefusesIsNamed() async throws {
    let tokens = try HostileServer { _, connection in
      connection.answer("401 Unauthorized", headers: ["Content-Type: application/json"], body: """
        {"error":"invalid_client","error_description":"no such client"}
        """)
    }
    let server = try LoginServer(.accepts("OAUTHBEARER"))
    let failure = try await failure(options(server, tokens: tokens.url + "/token"), within: .seconds(90))
    #expect(failure.code == "kafka_refused_login" && failure.errorClass == .configuration, "\(failure)")
    #expect(!failure.message.contains(Self.secret))
    #expect(server.accepted.isEmpty)
  }

  @Test func aTokenServerThatIsAwayIsAnOutage() async throws {
    let server = try LoginServer(.accepts("OAUTHBEARER"))
    // Port 1 of this machine: nothing listens there.
    let failure = try await failure(options(server, tokens: "http://127.0.0.1:1/401/token"), within: .seconds(8))
    #expect(failure.errorClass == .transient, "\(failure)")
  }
}

/// A port with TLS and without Kafka's protocol: OpenSSL's s_server.
enum TLSPort {
  static func start(_ certificate: (chain: String, key: String)) async throws -> (ChildProcess, port: UInt16) {
    let openssl = try Program.require("openssl", package: "the Debian package openssl")
    var launch = Launch(openssl, [
      "s_server", "-accept", "127.0.0.1:0", "-cert", certificate.chain, "-key", certificate.key, "-www",
    ])
    let log = "\(certificate.chain).\(UInt32.random(in: 0 ..< .max)).log"
    launch.output = .file(log)
    let child = try await ChildProcess.start(launch)
    // It says which port the kernel gave it: "ACCEPT 127.0.0.1:41234".
    let port = try await eventuallySome("openssl says its port") {
      try? String(contentsOfFile: log, encoding: .utf8)
        .firstMatch(of: /ACCEPT \S+:(\d+)/).flatMap { UInt16($0.1) }
    }
    return (child, port)
  }
}
