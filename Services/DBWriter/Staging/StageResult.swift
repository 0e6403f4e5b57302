import Messages
import Postgres

/// The result of staging one message.
package enum StageResult: Hashable, Sendable {
  /// The next flush writes all of it.
  case staged
  /// Valid, with nothing to write.
  case skipped(reason: String)
  /// Some of it cannot be stored; the next flush writes the other elements.
  case rejected(StageRejection)
}

/// Why a message, or some of its elements, cannot be stored. Contains no values of the message.
package struct StageRejection: Hashable, Sendable {
  /// `snake_case`; the dead letter's error code.
  package let code: String
  package let message: String
  /// Elements of the message that are written.
  package let kept: Int
  /// Refused elements; 0 for an unreadable message.
  package let refused: Int
  /// The refused elements, each as a separate message, when others are written; empty when the whole message is
  /// refused.
  package var excerpts: [Excerpt] = []

  package struct Excerpt: Hashable, Sendable {
    package let value: [UInt8]
    package let code: String
    package let message: String
  }
}

extension StageRejection {
  /// The whole message is refused.
  init(message failure: DecodingFailure) {
    self.init(code: failure.code, message: "\(failure)", kept: 0, refused: 0)
  }

  /// Some elements are refused, by db-writer or by the database.
  ///
  /// - Parameters:
  ///   - unreadable: elements refused by db-writer.
  ///   - record: elements refused by the database.
  ///   - kept: elements that are written.
  init?(
    unreadable: [MessageRows.Refusal], record: RefusedRecord?, kept: Int, of value: RawSpan, target: any WriteTarget
  ) {
    var reasons = unreadable.map { (index: $0.index, code: $0.failure.code, message: "\($0.failure)") }
    if let record {
      guard !record.isWhole else {
        self.init(
          code: record.error.code, message: "refused by the database: \(record.error)", kept: 0,
          refused: reasons.count + record.elements.count)
        return
      }
      let bad = Set(unreadable.map(\.index))
      // Converts numbers among the staged elements to indices in the message.
      let readable = (0..<(kept + record.elements.count + bad.count)).filter { !bad.contains($0) }
      for number in record.elements {
        let place = target.elements.map { ", in \($0)[\(readable[number])]" } ?? ""
        reasons.append((readable[number], record.error.code, "refused by the database\(place): \(record.error)"))
      }
      reasons.sort { $0.index < $1.index }
    }
    guard let first = reasons.first else { return nil }
    let total = reasons.count + kept
    guard kept > 0, let elements = target.elements else {
      let all = "all of \(total) \(target.elements ?? "") refused; the first: \(first.message)"
      self.init(code: first.code, message: total == 1 ? first.message : all, kept: 0, refused: reasons.count)
      return
    }
    self.init(
      code: first.code,
      message: "\(reasons.count) of \(total) \(elements) refused, the others are written; the first: \(first.message)",
      kept: kept, refused: reasons.count)
    if let cut = JSONExcerpt.ofEach(reasons.map(\.index), in: elements, of: value) {
      excerpts = zip(reasons, cut).map { Excerpt(value: $1, code: $0.code, message: $0.message) }
    }
  }
}
