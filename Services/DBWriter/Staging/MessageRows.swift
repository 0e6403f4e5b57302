import Messages
import Pipeline
import Postgres

/// The rows of one message while it is read, after those of earlier messages.
package struct MessageRows: Sendable {
  /// The message's number among the staged ones: joins its rows, and gives the order of arrival.
  package let batch: Int32
  /// One for each staging table of the target.
  package var tables: [BinaryCopyRows]
  /// Staged elements.
  package private(set) var kept = 0
  /// Elements that cannot be stored, ascending, by their index in the message.
  package private(set) var refusals: [Refusal] = []
  /// The header has an effect even without elements.
  package var headerCounts = false

  /// Why one element is not stored.
  package struct Refusal: Hashable, Sendable {
    package let index: Int
    package let failure: DecodingFailure
  }

  package init(batch: Int32, tables: [BinaryCopyRows]) {
    self.batch = batch
    self.tables = tables
  }

  package mutating func keep(_ count: Int = 1) { kept += count }

  package mutating func refuse(_ index: Int, _ failure: DecodingFailure) {
    refusals.append(Refusal(index: index, failure: failure))
  }
}

extension Rejection {
  /// Some elements of a message are refused, by db-writer or by the database.
  ///
  /// - Parameters:
  ///   - unreadable: elements refused by db-writer.
  ///   - record: elements refused by the database.
  ///   - kept: elements that are written.
  /// - Returns: nil when none is refused; with excerpts, each refused element as a message of its own, when others are
  ///   written.
  init?(unreadable: [MessageRows.Refusal], record: RefusedRecord?, kept: Int, of value: RawSpan, target: WriteTarget) {
    var reasons = unreadable.map { (index: $0.index, code: $0.failure.code, message: "\($0.failure)") }
    if let record {
      guard !record.isWhole else {
        self.init(code: record.error.code, stage: "decode", "refused by the database: \(record.error)")
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
      self.init(code: first.code, stage: "decode", total == 1 ? first.message : all)
      return
    }
    self.init(
      code: first.code, stage: "decode",
      "\(reasons.count) of \(total) \(elements) refused, the others are written; the first: \(first.message)")
    if let cut = JSONExcerpt.ofEach(reasons.map(\.index), in: elements, of: value) {
      excerpts = zip(reasons, cut).map { Excerpt(value: $1, code: $0.code, message: $0.message) }
    }
  }
}
