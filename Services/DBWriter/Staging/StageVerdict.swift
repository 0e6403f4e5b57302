import Postgres
import Schemas

/// What became of one message.
package enum StageVerdict: Hashable, Sendable {
  /// All of it will be written by the next flush.
  case staged
  /// Nothing to write, and nothing wrong.
  case skipped(reason: String)
  /// Something in it cannot be stored; what can, will be.
  case rejected(StageRejection)
}

/// Why a message, or some of its elements, cannot be stored. Says nothing of the message's values.
package struct StageRejection: Hashable, Sendable {
  /// `snake_case`; the dead letter's error code.
  package let code: String
  package let message: String
  /// Elements of the same message that will be written.
  package let kept: Int
  /// Elements that will not; 0 when the message could not be read at all.
  package let refused: Int
  /// The refused elements, each as a message of its own, when their neighbours are written; empty when the message
  /// is refused as it is.
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

  /// Some elements are refused, before the database or by it.
  ///
  /// - Parameters:
  ///   - unreadable: those that could not become rows.
  ///   - record: what the database refused of the others.
  ///   - kept: elements that will be written.
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
      // The numbers among the kept ones, back to indices in the message.
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
