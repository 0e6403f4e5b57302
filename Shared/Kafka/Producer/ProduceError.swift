import Core

/// Some records of a batch were not acknowledged.
///
/// The class is the worst of its parts, in this order: fatal, configuration, transient, data. A transient error
/// says nothing about the records: produce the whole batch again. A data error names the refused records.
package struct ProduceError: ClassifiedError {
  package struct Refused: Hashable, Sendable {
    /// The record's place in the batch.
    package var index: Int
    package var error: KafkaError
  }
  /// How many records the batch had.
  package var total: Int
  /// Those that failed, in the order they were reported; at most `limit` of them.
  package var refused: [Refused]
  /// How many failed.
  package var failed: Int
  package static let limit = 1_000

  package init(total: Int, failed: Int, refused: [Refused]) {
    self.total = total
    self.failed = failed
    self.refused = refused
  }

  init(total: Int, all error: KafkaError) {
    self.init(total: total, failed: total, refused: [Refused(index: 0, error: error)])
  }

  /// The failure that decides the class.
  package var leading: KafkaError {
    refused.map(\.error).max { Self.weight($0.errorClass) < Self.weight($1.errorClass) } ?? .closed("produce")
  }

  private static func weight(_ errorClass: ErrorClass) -> Int {
    switch errorClass {
    case .data: 0
    case .transient: 1
    case .configuration: 2
    case .fatal: 3
    }
  }

  package var code: String { leading.code }
  package var errorClass: ErrorClass { leading.errorClass }
  package var description: String { "\(failed) of \(total) records not produced: \(leading)" }
}
