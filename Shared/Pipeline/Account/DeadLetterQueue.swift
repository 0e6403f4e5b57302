import Catalogue
import Core
import Kafka
import Logging
import Synchronization

/// One record that can never succeed, with everything needed to look into it and to replay it.
package struct DeadLetter: Sendable {
  package var topic: String
  package var partition: Int32
  package var offset: Int64
  package var timestamp: Int64?
  package var key: [UInt8]?
  package var value: [UInt8]?
  package var headers: [Header]
  package var rejection: Rejection

  package init(
    topic: String, partition: Int32, offset: Int64, timestamp: Int64?, key: [UInt8]?, value: [UInt8]?,
    headers: [Header], rejection: Rejection
  ) {
    self.topic = topic
    self.partition = partition
    self.offset = offset
    self.timestamp = timestamp
    self.key = key
    self.value = value
    self.headers = headers
    self.rejection = rejection
  }

  init(_ job: Job, _ rejection: Rejection) {
    self.init(
      topic: job.topic, partition: job.partition, offset: job.offset, timestamp: job.timestamp, key: job.key,
      value: job.value, headers: job.headers, rejection: rejection)
  }

  /// The record itself, or the parts of it that are refused.
  static func all(_ job: Job, _ rejection: Rejection) -> [DeadLetter] {
    guard !rejection.excerpts.isEmpty else { return [DeadLetter(job, rejection)] }
    return rejection.excerpts.map { excerpt in
      var letter = DeadLetter(job, Rejection(code: excerpt.code, stage: rejection.stage, excerpt.message))
      letter.value = excerpt.value
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
      (HeaderName.topic, topic),
      (HeaderName.partition, "\(partition)"),
      (HeaderName.offset, "\(offset)"),
      (HeaderName.timestamp, timestamp.map { "\($0)" } ?? ""),
    ]
    return headers.filter { !(HeaderName.deadLetter + HeaderName.cutLetter).contains($0.name) }
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
    guard isRepeat || budget.withLock({ $0.spend(at: .now) }) else {
      throw Failure(
        .fatal, code: "dead_letter_limit",
        """
        more than \(budget.withLock { $0.limit ?? 0 }) records a minute would be dead-lettered, the last because \
        "\(letter.rejection)"; stopped so that the topic is not drained into its dead-letter topic. If the data is \
        truly bad, raise --dead-letter-limit
        """)
    }
    logger.warning(
      "dead-lettered",
      metadata: [
        "topic": "\(letter.topic)", "partition": "\(letter.partition)", "offset": "\(letter.offset)",
        "code": "\(letter.rejection.code)", "stage": "\(letter.rejection.stage)",
        "reason": "\(letter.rejection.message)",
      ])
    let (fitted, headers) = letter.fitted(to: largest, from: service)
    if fitted.value?.count != letter.value?.count {
      logger.warning("dead letter cut to the largest record", metadata: [
        "topic": "\(letter.topic)", "partition": "\(letter.partition)", "offset": "\(letter.offset)",
        "bytes": "\(letter.value?.count ?? 0)", "kept": "\(fitted.value?.count ?? 0)",
      ])
    }
    batch.append(
      topic: Topic.deadLetterName(of: letter.topic), key: fitted.key, value: fitted.value, headers: headers)
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
