/// Why a cluster does not let a client in, read from librdkafka's code and text.
///
/// librdkafka has one code for all TLS errors and one for all login errors; only its text says which one it was. For a
/// certificate, `ClientHandle` adds OpenSSL's reason to that text.
package enum Refusal: String, Sendable, CaseIterable {
  case login
  case mechanism
  case untrusted
  case expired
  case wrongName
  case clientCertificate
  case plaintextPort
  case securePort
  case unknownHost
  case groupProtocol
  case topicDenied
  case groupDenied
  case clusterDenied
  case transactionDenied

  package init?(name: String, message: String) {
    switch name {
    case "SASL_AUTHENTICATION_FAILED": self = .login
    case "UNSUPPORTED_SASL_MECHANISM": self = .mechanism
    case "TOPIC_AUTHORIZATION_FAILED": self = .topicDenied
    case "GROUP_AUTHORIZATION_FAILED": self = .groupDenied
    case "CLUSTER_AUTHORIZATION_FAILED": self = .clusterDenied
    case "TRANSACTIONAL_ID_AUTHORIZATION_FAILED": self = .transactionDenied
    case "INCONSISTENT_GROUP_PROTOCOL": self = .groupProtocol
    case "_RESOLVE": self = .unknownHost
    case "_AUTHENTICATION":
      guard let refusal = Self.login(message) else { return nil }
      self = refusal
    case "_SSL":
      guard let refusal = Self.tls(message) else { return nil }
      self = refusal
    case "_TRANSPORT":
      if message.contains("PLAINTEXT broker listener") || message.contains("unexpected eof while reading") {
        self = .plaintextPort
      } else if message.contains("security.protocol") || Self.isHungUpOn(message) {
        self = .securePort
      } else {
        return nil
      }
    default: return nil
    }
  }

  /// Current libraries no longer guess; they append the broker's state to the reason: "(after 3ms in state UP)". A port
  /// that expects TLS hangs up on the first request, one that expects a login on the second.
  private static func isHungUpOn(_ message: String) -> Bool {
    guard message.contains("Disconnected"), let state = message.firstMatch(of: /after (\d+)ms in state (\w+)/) else {
      return false
    }
    return state.2 == "APIVERSION_QUERY" || (state.2 == "UP" && (Int(state.1) ?? .max) < 2_000)
  }

  /// A login that was interrupted, or a token that could not be fetched, is an outage: only an answer is a refusal.
  private static func login(_ message: String) -> Refusal? {
    if message.contains("OAUTHBEARER token") {
      // The token server's address says nothing of its answer: ports are numbers too.
      let answer = message.replacing(/"https?:[^"]*"/, with: "")
      return answer.contains(/\(40[013]\)|code 40[013]|invalid_client|unauthorized|Unsupported/) ? .login : nil
    }
    let outages = ["Local: ", "Disconnected", "hung up", "timed out"]
    if outages.contains(where: { message.contains($0) }) { return nil }
    guard message.contains("mechanism handshake failed") else { return .login }
    // A connection whose login is renewed at the wrong moment fails so too, and is made anew.
    return message.contains("Unsupported SASL mechanism") ? .mechanism : nil
  }

  private static func tls(_ message: String) -> Refusal? {
    let words: [(Refusal, [String])] = [
      (.expired, ["has expired", "not yet valid"]),
      (.wrongName, ["hostname mismatch", "address mismatch"]),
      (.clientCertificate, [
        "alert certificate required", "alert bad certificate", "alert unknown ca", "alert certificate unknown",
        "alert certificate expired", "alert handshake failure", "unexpected message",
      ]),
      (.untrusted, ["certificate verify failed", "could not be verified", "0A000086"]),
      (.plaintextPort, ["wrong version number", "PLAINTEXT broker listener", "packet length too long", "0A00010B",
        "unexpected eof while reading"]),
    ]
    return words.first { _, texts in texts.contains { message.contains($0) } }?.0
  }

  /// The cluster, or TLS, has refused. The others look the same while a broker or a name server is away.
  package var isCertain: Bool {
    switch self {
    case .plaintextPort, .securePort, .unknownHost, .groupProtocol: false
    default: true
    }
  }

  /// The broker knows the user and denies an operation: a restarting broker never does that.
  package var isDenial: Bool {
    switch self {
    case .topicDenied, .groupDenied, .clusterDenied, .transactionDenied: true
    default: false
    }
  }

  /// What is wrong and what a person does about it, without names of hosts, users or topics.
  package var advice: String {
    switch self {
    case .login: "the login is refused: check user name, password or token, and that the user exists for this mechanism"
    case .mechanism: "the broker does not offer this login: check sasl.mechanisms and the listener's port"
    case .untrusted: "the broker's certificate is of an unknown authority: set ssl.ca.location to the right CA file"
    case .expired: "the broker's certificate has expired or is not valid yet: renew it, or check the clocks"
    case .wrongName: "the broker's certificate is for another name: use the name it was issued for"
    case .clientCertificate: "the broker refuses this client's certificate: check ssl.certificate.* and ssl.key.*"
    case .plaintextPort: "the port does not speak TLS: check security.protocol and the port"
    case .securePort: "the port hangs up on plain text, it may want TLS or a login: check security.protocol and port"
    case .unknownHost: "a broker's host name is not known: check --kafka-bootstrap-servers and the name server"
    case .groupProtocol:
      "the group's other members use another partition.assignment.strategy: set the same one, or stop them first"
    case .topicDenied: "this user may not use a topic: grant it READ or WRITE, and DESCRIBE, on the topic"
    case .groupDenied: "this user may not use the consumer group: grant it READ and DESCRIBE on the group"
    case .clusterDenied: "this user may not do this in the cluster: grant it the operation on the cluster"
    case .transactionDenied: "this user may not use the transactional id: grant it WRITE and DESCRIBE on it"
    }
  }
}

extension KafkaError {
  package var refusal: Refusal? { Refusal(name: name, message: message) }
}
