import Catalogue
import Kafka
import Messages
import ServiceKit

/// What a redrive would do with each letter. A pure value.
package struct RedrivePlan: Hashable, Sendable {
  package enum Fate: Hashable, Sendable {
    /// Today's code reads it.
    case send
    /// The form of its topic is not known to this release, so nothing can be said before it is sent.
    case sendUnchecked
    /// Today's code would dead-letter it again, for this reason.
    case refusedToday(String)
    case handledAlready(Handling)
    /// It was sent back as often as is allowed, and came again.
    case loops(Int)
    /// A part of the original is missing.
    case isCut(String)

    package var isSent: Bool { self == .send || self == .sendUnchecked }

    package var words: String {
      switch self {
      case .send: "would pass"
      case .sendUnchecked: "not checked: the form of this topic is not known here"
      case .refusedToday(let reason): "refused again: \(reason)"
      case .handledAlready(let handling): "\(handling.act.word) already, by \(handling.by)"
      case .loops(let count): "was sent back \(counted(count, "time")) and came again"
      case .isCut(let parts): "its \(parts) is cut; the original is at its place in the topic"
      }
    }

    /// For counts.
    package var name: String {
      switch self {
      case .send: "would pass"
      case .sendUnchecked: "not checked"
      case .refusedToday: "refused again"
      case .handledAlready: "handled already"
      case .loops: "sent back too often"
      case .isCut: "cut"
      }
    }
  }

  package struct Item: Hashable, Sendable {
    package var letter: Letter
    package var fate: Fate
    /// The bytes whose hash picks the partition, where today's code reads the record.
    package var partitionKey: [UInt8]?
  }
  package private(set) var items: [Item] = []

  /// - Parameters:
  ///   - mostRedrives: how often a record may be sent back in all.
  ///   - again: also those that an operator has handled.
  ///   - force: also those that today's code refuses.
  package init(_ letters: [Letter], mostRedrives: Int, again: Bool = false, force: Bool = false) {
    items = letters.map { letter in
      if let handled = letter.handled, !again { return Item(letter: letter, fate: .handledAlready(handled)) }
      if let cut = letter.cut { return Item(letter: letter, fate: .isCut(cut)) }
      if letter.redrives >= mostRedrives { return Item(letter: letter, fate: .loops(letter.redrives)) }
      // A tombstone says nothing that could be refused.
      guard let value = letter.record.value else { return Item(letter: letter, fate: .send) }
      do throws(DecodingFailure) {
        let reading = try MessageBook.read(letter.topic, key: letter.record.key, value: value)
        return Item(
          letter: letter, fate: reading == nil ? .sendUnchecked : .send, partitionKey: reading?.partitionKey)
      } catch {
        return Item(letter: letter, fate: force ? .sendUnchecked : .refusedToday("\(error)"))
      }
    }
  }

  package var sent: [Item] { items.filter(\.fate.isSent) }

  /// By what would happen, the most frequent first.
  package var counts: [(name: String, count: Int)] {
    Dictionary(grouping: items, by: \.fate.name).map { ($0.key, $0.value.count) }
      .sorted { ($1.1, $0.0) < ($0.1, $1.0) }
  }
}

extension RedrivePlan.Item {
  /// The record as it goes back: as it was, with the number of times in a header.
  package func append(to batch: inout OutgoingBatch, topic: String) {
    let added = HeaderName.deadLetter + HeaderName.cutLetter + [RedriveHeader.count]
    let headers = letter.record.headers.filter { !added.contains($0.name) }
      + [Header(RedriveHeader.count, "\(letter.redrives + 1)")]
    batch.append(
      topic: topic, key: letter.record.key, value: letter.record.value, headers: headers, partitionBy: partitionKey)
  }
}

/// What would be sent, or was, as a table and as data.
extension RedrivePlan {
  /// - Parameter sent: nil for a dry run.
  package func report(sent: Int?, _ target: String) -> Report {
    var report = Report("letters", [
      .text("id", "ID"), .text("code", "CODE", rank: 1), .text("key", "KEY", least: 10, rank: 2),
      .hidden("sent"), .text("today", "WITH TODAY'S CODE", least: 20),
    ])
    for item in items {
      let id = "\(item.letter.id.partition)@\(item.letter.id.offset)"
      report.append([
        .text(id), .text(item.letter.code), .text(item.letter.key), .init(.bool(sent != nil && item.fate.isSent), ""),
        .text(item.fate.words),
      ], item.fate.isSent ? .plain : .warning)
    }
    report.nothing = "no dead letters match"
    let fates = counts.map { "\(grouped($0.count)) \($0.name)" }.joined(separator: ", ")
    report.fields = [
      .init("dry_run", .bool(sent == nil)), .init("target", .text(target)), .init("sent", .integer(Int64(sent ?? 0))),
    ]
    if !items.isEmpty {
      let did = sent.map { "sent \(counted($0, "record")) to \(target)" }
        ?? "would send \(counted(self.sent.count, "record")) to \(target); nothing was sent"
      report.notes = [fates, did]
    }
    return report
  }
}
