import CRdKafka
import Logging

/// What the librdkafka we run with can do; asked at run time, because the header may be older or newer.
package enum Library {
  /// 0xMMmmrrpp: major, minor, revision, pre-release (0xff is the final one).
  package static let version = rd_kafka_version()
  package static let versionText = String(cString: rd_kafka_version_str())

  /// Features built in: `zstd`, `lz4`, `ssl`, `sasl_scram`, `sasl_oauthbearer`, `oidc`, ...
  package static let features: Set<String> = {
    let conf = rd_kafka_conf_new()
    defer { rd_kafka_conf_destroy(conf) }
    var text = [CChar](repeating: 0, count: 1_024)
    var size = text.count
    guard rd_kafka_conf_get(conf, "builtin.features", &text, &size) == RD_KAFKA_CONF_OK else { return [] }
    return Set(string(text).split(separator: ",").map(String.init))
  }()

  /// Cooperative rebalancing lost and repeated assignments before 2.10.1 (librdkafka issue 4059).
  package static var assignmentStrategy: String { assignmentStrategy(version: version) }

  static func assignmentStrategy(version: Int32) -> String {
    version >= 0x020a_01ff ? "cooperative-sticky" : "range"
  }

  /// How long a full queue of records postpones the next fetch, in milliseconds. Without this property, which came with
  /// 2.2.0, it is up to a second, whatever is read meanwhile: then the size of the queue bounds the records a second.
  package static var fetchQueueBackoff: String? { fetchQueueBackoff(version: version) }

  static func fetchQueueBackoff(version: Int32) -> String? { version >= 0x0202_00ff ? "10" : nil }

  package static var compression: String { features.contains("zstd") ? "zstd" : "lz4" }

  /// What these properties ask for and the library we run with cannot do, in words for a person; empty when all works.
  package static func limits(of properties: [String: String]) -> [String] {
    limits(of: properties, version: version, versionText: versionText)
  }

  static func limits(of properties: [String: String], version: Int32, versionText: String) -> [String] {
    let mechanism = (properties["sasl.mechanism"] ?? properties["sasl.mechanisms"] ?? "").uppercased()
    var limits: [String] = []
    if mechanism.hasPrefix("SCRAM"), version < 0x0206_01ff {
      limits.append(
        "\(mechanism) cannot log in to Kafka 4.0 and later with librdkafka \(versionText), which sends the client "
          + "nonce twice; it needs librdkafka 2.6.1 or later, as in the image, or sasl.mechanism=PLAIN over TLS")
    }
    if properties["partition.assignment.strategy"]?.contains("cooperative") == true, version < 0x020a_01ff {
      limits.append(
        "partition.assignment.strategy=cooperative-sticky can lose and repeat assignments with librdkafka "
          + "\(versionText); it needs 2.10.1 or later, or leave the setting out")
    }
    return limits
  }

  /// The text in a C buffer up to its NUL.
  static func string(_ buffer: [CChar]) -> String {
    String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

extension KafkaError {
  init(_ operation: String, _ code: rd_kafka_resp_err_t, detail: String? = nil, isFatal: Bool = false) {
    let text = String(cString: rd_kafka_err2str(code))
    self.init(
      operation: operation, name: String(cString: rd_kafka_err2name(code)), rawCode: code.rawValue,
      message: detail.flatMap { $0.isEmpty ? nil : $0 } ?? text,
      isFatal: isFatal || code == RD_KAFKA_RESP_ERR__FATAL)
  }

  /// Takes over and frees a C error object.
  init(_ operation: String, consuming error: OpaquePointer) {
    self.init(
      operation, rd_kafka_error_code(error), detail: String(cString: rd_kafka_error_string(error)),
      isFatal: rd_kafka_error_is_fatal(error) != 0)
    rd_kafka_error_destroy(error)
  }
}

/// librdkafka's log lines, as lines of the service's log.
enum LibraryLog {
  /// - Returns: a broker that hangs up at once. Current libraries only log that, older ones also report it as an error.
  @discardableResult
  static func write(_ event: OpaquePointer, to logger: Logger) -> KafkaError? {
    var facility: UnsafePointer<CChar>?
    var text: UnsafePointer<CChar>?
    var level: Int32 = 6
    guard rd_kafka_event_log(event, &facility, &text, &level) == 0, let text else { return nil }
    let (name, line) = (facility.map { String(cString: $0) } ?? "", String(cString: text))
    let importance = chatter.contains(name) ? Logger.Level.debug : self.level(syslog: level)
    logger.log(level: importance, "librdkafka: \(line)", metadata: ["facility": "\(name)"])
    guard name == "FAIL" else { return nil }
    let error = KafkaError("connect", RD_KAFKA_RESP_ERR__TRANSPORT, detail: line)
    return error.refusal == .securePort ? error : nil
  }

  /// Said of every client although nothing is wrong: one set of properties serves consumers and producers, and
  /// old brokers cannot be told not to create topics.
  private static let chatter: Set<String> = ["CONFWARN", "AUTOCREATE"]

  /// A broker that cannot be reached is an error for librdkafka and, since it reconnects for ever, a warning here.
  static func level(syslog: Int32) -> Logger.Level {
    switch syslog {
    case ...2: .critical
    case 3, 4: .warning
    case 5: .notice
    case 6: .info
    default: .debug
    }
  }
}
