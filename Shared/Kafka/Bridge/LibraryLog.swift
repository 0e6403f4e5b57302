import CRdKafka
import Logging

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
