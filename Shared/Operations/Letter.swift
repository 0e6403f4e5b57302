import Catalogue
import Core
import Kafka
import Messages
import ServiceKit
import Values

/// One dead letter, and what was done about it.
package struct Letter: Hashable, Sendable {
  /// Where it lies in its dead-letter topic.
  package var id: RecordID
  package var record: ReadRecord
  /// What an operator has done with it; nil while nothing was.
  package var handled: Handling?

  package init(_ record: ReadRecord) {
    self.record = record
    id = RecordID(partition: record.place.partition, offset: record.offset)
  }

  private func text(_ name: String) -> String { record.header(name) ?? "?" }

  package var topic: String { text(HeaderName.topic) }
  package var code: String { text(HeaderName.errorCode) }
  package var service: String { text(HeaderName.service) }
  package var stage: String { text(HeaderName.stage) }
  package var reason: String { text(HeaderName.errorMessage) }
  /// `topic[partition]@offset` of the original.
  package var origin: String { "\(topic)[\(text(HeaderName.partition))]@\(text(HeaderName.offset))" }
  /// When it was dead-lettered, in milliseconds since 1970.
  package var time: Int64? { record.timestamp }
  /// Of the original.
  package var originTime: Int64? { record.header(HeaderName.timestamp).flatMap { Int64($0) } }
  /// Which parts of the original are missing; nil when it is whole.
  package var cut: String? { record.header(HeaderName.cut) }
  /// The trace id of the header `traceparent`.
  package var trace: String? {
    record.header(HeaderName.traceparent).flatMap { TraceParent($0)?.traceID }
  }
  /// How often it was sent back before.
  package var redrives: Int { record.header(RedriveHeader.count).flatMap { Int($0) } ?? 0 }
  package var key: String? { record.key.map { String(decoding: $0, as: UTF8.self) } }

  /// The field that is to blame, as the reason names it: `price: more than 18 digits, in items[12], at byte 4711`.
  package var field: String? {
    guard let end = reason.firstRange(of: ": ")?.lowerBound, reason.contains(", at byte ") else { return nil }
    let name = reason[..<end]
    return name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } ? String(name) : nil
  }

  /// The byte of the value that is to blame.
  package var byte: Int? {
    reason.lastRange(of: "at byte ").flatMap { Int(reason[$0.upperBound...].prefix { $0.isNumber }) }
  }
}

extension StringProtocol {
  fileprivate func lastRange(of text: String) -> Range<Index>? { ranges(of: text).last }
}

/// What `souk dlq redrive` writes into the headers of a record that goes back.
package enum RedriveHeader {
  /// How often the record was sent back, in decimal: what keeps failing is not sent for ever.
  package static let count = "souk-redriven"
  /// Which letters an audit record is about: `0@5-9,2@17`.
  package static let letters = "souk-dead-letters"
}

/// What was done with a letter.
package struct Handling: Hashable, Sendable {
  package enum Act: String, Hashable, Sendable {
    case redriven = "dead_letters_redriven"
    case dismissed = "dead_letters_dismissed"

    package var word: String { self == .redriven ? "redriven" : "dismissed" }
  }
  package var act: Act
  package var by: String
  /// Milliseconds since 1970.
  package var at: Int64
}

/// Places in one topic as a short text: `0@5-9,0@12,3@7`.
package struct LetterRanges: Hashable, Sendable {
  package private(set) var ranges: [(partition: Int32, offsets: ClosedRange<Int64>)] = []

  package init(_ ids: some Sequence<RecordID>) {
    for id in Set(ids).sorted() {
      if let last = ranges.last, last.partition == id.partition, last.offsets.upperBound + 1 == id.offset {
        ranges[ranges.count - 1].offsets = last.offsets.lowerBound...id.offset
      } else {
        ranges.append((id.partition, id.offset...id.offset))
      }
    }
  }

  /// Parts that cannot be read are left out.
  package init(text: String) {
    for part in text.split(separator: ",") {
      let ends = part.split(separator: "-")
      guard let first = ends.first.flatMap({ RecordID($0) }) else { continue }
      let last = ends.count > 1 ? Int64(ends[1]) ?? first.offset : first.offset
      if last >= first.offset { ranges.append((first.partition, first.offset...last)) }
    }
  }

  package var text: String {
    ranges.map { range in
      let (first, last) = (range.offsets.lowerBound, range.offsets.upperBound)
      return "\(range.partition)@\(first)" + (last > first ? "-\(last)" : "")
    }.joined(separator: ",")
  }

  package func contains(_ id: RecordID) -> Bool {
    ranges.contains { $0.partition == id.partition && $0.offsets.contains(id.offset) }
  }

  package static func == (left: Self, right: Self) -> Bool { left.text == right.text }
  package func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

/// Time as people read it, in UTC; nil for none.
package func clockText(_ milliseconds: Int64?) -> String? {
  milliseconds.flatMap { Timestamp(microseconds: $0 * 1_000)?.description }
}
