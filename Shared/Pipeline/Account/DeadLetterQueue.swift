import Catalogue
import Core
import Kafka
import Logging
import ServiceKit
import Synchronization

/// One record that can never succeed, with everything needed to look into it and to replay it.
package struct DeadLetter: Sendable {
  package var record: Job
  package var rejection: Rejection

  init(_ record: Job, _ rejection: Rejection) {
    self.record = record
    self.rejection = rejection
  }

  /// The record itself, or the parts of it that are refused.
  static func all(_ job: Job, _ rejection: Rejection) -> [DeadLetter] {
    guard !rejection.excerpts.isEmpty else { return [DeadLetter(job, rejection)] }
    return rejection.excerpts.map { excerpt in
      var letter = DeadLetter(job, Rejection(code: excerpt.code, stage: rejection.stage, excerpt.message))
      letter.record.value = excerpt.value
      return letter
    }
  }

  /// The longest error message that is put into a header, in bytes.
  static let messageLimit = 1_000

  /// The original headers (without those of an earlier dead-lettering), then ours.
  func headers(from service: ServiceIdentity) -> [Header] {
    let own: [(String, String)] = [
      (HeaderName.errorClass, "data"),
      (HeaderName.errorCode, rejection.code),
      (HeaderName.errorMessage, String(decoding: rejection.message.utf8.prefix(Self.messageLimit), as: UTF8.self)),
      (HeaderName.service, service.name),
      (HeaderName.serviceVersion, service.version),
      (HeaderName.stage, rejection.stage),
      (HeaderName.topic, record.topic),
      (HeaderName.partition, "\(record.partition)"),
      (HeaderName.offset, "\(record.offset)"),
      (HeaderName.timestamp, record.timestamp.map { "\($0)" } ?? ""),
    ]
    return record.headers.filter { !(HeaderName.deadLetter + HeaderName.cutLetter).contains($0.name) }
      + own.map { Header($0.0, $0.1) }
  }
}

/// Writes `<topic>.dlq`, below a rate cap.
package final class DeadLetterQueue: Sendable {
  private let service: ServiceIdentity
  private let budget: Mutex<DeadLetterBudget>
  private let largest: Int
  private let logger: Logger

  /// - Parameter largest: the longest record that is produced, in bytes.
  package init(service: ServiceIdentity, budget: DeadLetterBudget, largest: Int, logger: Logger) {
    self.service = service
    self.budget = Mutex(budget)
    self.largest = largest
    self.logger = logger
  }

  /// Puts a dead letter into `batch` and says so in the log.
  ///
  /// - Parameter isRepeat: the same letter was put into a batch that was taken back: it counts once.
  /// - Throws: a fatal `Failure` when too many came too fast; the record stays uncommitted.
  package func add(_ letter: DeadLetter, to batch: inout OutgoingBatch, isRepeat: Bool = false) throws {
    let record = letter.record
    guard isRepeat || budget.withLock({ $0.spend(at: .now) }) else {
      throw Failure(
        .fatal, code: "dead_letter_limit",
        """
        more than \(budget.withLock { $0.limit ?? 0 }) records a minute would be dead-lettered, the last because \
        "\(letter.rejection)"; stopped so that the topic is not drained into its dead-letter topic. If the data is \
        truly bad, raise --dead-letter-limit
        """)
    }
    TraceContext.$current.withValue(record.trace) {
      logger.warning(
        "dead-lettered",
        metadata: [
          "topic": "\(record.topic)", "partition": .stringConvertible(record.partition),
          "offset": .stringConvertible(record.offset), "code": "\(letter.rejection.code)",
          "stage": "\(letter.rejection.stage)", "reason": "\(letter.rejection.message)",
        ])
    }
    let (fitted, headers) = letter.fitted(to: largest, from: service)
    if fitted.record.value?.count != record.value?.count {
      logger.warning("dead letter cut to the largest record", metadata: [
        "topic": "\(record.topic)", "partition": .stringConvertible(record.partition),
        "offset": .stringConvertible(record.offset), "bytes": .stringConvertible(record.value?.count ?? 0),
        "kept": .stringConvertible(fitted.record.value?.count ?? 0),
      ])
    }
    batch.append(
      topic: Topic.deadLetterName(of: record.topic), key: fitted.record.key, value: fitted.record.value,
      headers: headers)
  }

  /// Produces dead letters and waits for their acknowledgement.
  /// - Throws: `KafkaError` on an outage; class `configuration` when the cluster refuses a letter for its size,
  ///   because a letter that is dropped would be a lost record.
  package func send(_ letters: OutgoingBatch, through producer: Producer) async throws {
    do {
      try await producer.send(letters)
    } catch {
      guard error.errorClass == .data else { throw error }
      throw Failure(
        .configuration, code: "dead_letter_refused",
        """
        a dead letter was refused: \(error). It has at most \(largest) bytes (message.max.bytes): raise \
        max.message.bytes of the dead-letter topic above that, or lower message.max.bytes with --kafka-property
        """)
    }
  }
}

/// A cap on how fast records may be dead-lettered: a bad deploy must stop, not drain a topic into its DLQ.
///
/// A token bucket: `limit` at once, refilled evenly over `window`. A pure value; the caller brings the time.
package struct DeadLetterBudget: Sendable {
  /// Records per window; nil for no cap.
  package let limit: Int?
  package let window: Duration
  private var tokens: Double
  private var refilled: ContinuousClock.Instant?

  package init(limit: Int?, window: Duration = .seconds(60)) {
    precondition(window > .zero && limit.map { $0 > 0 } ?? true)
    self.limit = limit
    self.window = window
    tokens = Double(limit ?? 0)
  }

  /// Takes one dead letter out of the budget.
  /// - Returns: false when the cap is passed and the service has to stop.
  package mutating func spend(at now: ContinuousClock.Instant) -> Bool {
    guard let limit else { return true }
    if let refilled, now > refilled {
      tokens = min(Double(limit), tokens + Double(limit) * ((now - refilled) / window))
    }
    refilled = max(refilled ?? now, now)
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }
}

extension DeadLetter {
  /// What a record costs on the wire beside its key, value and headers, and what each of its headers costs, at most:
  /// lengths, timestamps and the frame of its batch (KIP-98's record format v2).
  private static let frame = 128
  private static let headerFrame = 16

  private static func size(_ headers: [Header]) -> Int {
    headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.count + headerFrame }
  }

  /// The letter with its headers, as a record of at most `largest` bytes.
  ///
  /// A record that just fits is too large with the headers that say why it was dead-lettered. Then the value is cut to
  /// its first bytes; where its own headers or its key leave no room, the headers are dropped and the key is cut
  /// too. Headers say what is missing, how long the value is and what its SHA-256 is; the whole record is where topic,
  /// partition and offset point to, for as long as that topic keeps it.
  func fitted(to largest: Int, from service: ServiceIdentity) -> (letter: DeadLetter, headers: [Header]) {
    let full = self.headers(from: service)
    let bytes = (record.key?.count ?? 0) + (record.value?.count ?? 0)
    guard Self.frame + Self.size(full) + bytes > largest else { return (self, full) }

    var letter = self
    let about = [
      Header(HeaderName.valueBytes, "\(record.value?.count ?? 0)"),
      Header(HeaderName.valueSHA256, SHA256.hash(record.value ?? []).hex),
    ]
    func headers(without parts: [String]) -> [Header] {
      letter.headers(from: service) + [Header(HeaderName.cut, parts.joined(separator: ","))] + about
    }
    /// What is left for the value, also when most is missing.
    func room() -> Int {
      largest - Self.frame - Self.size(headers(without: ["value", "headers", "key"])) - (letter.record.key?.count ?? 0)
    }

    var cut: [String] = []
    if room() < 0, !letter.record.headers.isEmpty {
      cut = ["headers"]
      letter.record.headers = []
    }
    if room() < 0, let key = record.key {
      cut.append("key")
      letter.record.key = Array(key.prefix(max(0, key.count + room())))
    }
    letter.record.value = record.value.map { Array($0.prefix(max(0, room()))) }
    if letter.record.value != record.value { cut.insert("value", at: 0) }
    return (letter, headers(without: cut))
  }
}
