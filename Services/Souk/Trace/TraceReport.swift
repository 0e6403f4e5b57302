import Core
import Kafka
import Operations
import ServiceKit

/// What `souk trace` has found, and what it has not looked at.
struct TraceReport: Sendable {
  let hits: [TraceHit]
  /// Records that match beyond the limit.
  let left: Int
  /// Milliseconds since 1970.
  let since: Int64
  var readers: [TraceHit: Cluster.Readers] = [:]
  /// What db-writer's tables have; nil when they were not asked.
  var files: [StoredFiles.File]?
  /// What the object store and InfluxDB have.
  var ends: [StoredEnd] = []
  /// Topics that were not read, or not to their end, and why.
  var notRead: [String] = []
  /// Where the records' readers write to that was not asked.
  var notAsked: [String] = []

  var isEmpty: Bool { hits.isEmpty && (files ?? []).isEmpty }

  var report: Report {
    var report = Report("records", [
      .text("time", "TIME", rank: 4), .number("after_seconds", "AFTER"), .text("topic", "TOPIC", least: 18),
      .text("place", "PLACE"), .hidden("partition"), .hidden("offset"), .text("key", "KEY", least: 10, rank: 3),
      .text("produced_by", "BY", least: 8, rank: 5), .text("read_by", "READ BY", least: 8, rank: 2),
      .hidden("not_yet_read_by"), .hidden("found_by"), .hidden("trace"), .hidden("object"), .hidden("dead_letter"),
      .text("note", "NOTE", least: 16, rank: 1),
    ])
    var before: Int64?
    for hit in hits {
      let after = before.flatMap { before in hit.time.map { Duration.milliseconds($0 - before) } }
      before = hit.time ?? before
      let readers = readers[hit] ?? Cluster.Readers()
      let note = note(hit)
      report.append([
        .text(clockText(hit.time)), .init(DataValue(seconds: after), after.map { "+\(short($0))" } ?? "-"),
        .text(hit.place.topic), .text("\(hit.place.partition)@\(hit.offset)"), .count(Int(hit.place.partition)),
        .count(hit.offset), .text(hit.key), .text(hit.producedBy),
        .init(.list(readers.done.map { .text($0) }), words(readers)),
        .init(.list(readers.waited.map { .text($0) }), ""), .text(hit.why), .text(hit.trace), .text(hit.object),
        .init(letter(hit), ""), .text(note.isEmpty ? nil : note),
      ], hit.deadLetter != nil ? .bad : readers.waited.isEmpty ? .plain : .warning)
    }
    let places = ended
    report.nothing = "no record since \(clockText(since) ?? "the beginning")"
    report.fields = [
      .init("since", DataValue(clockText(since))), .init("not_shown", .integer(Int64(left))),
      .init("files", files.map { .list($0.map { data($0) }) } ?? .null),
      .init("ends", .list(ends.map { end in
        .object([
          .init("kind", .text(end.kind)), .init("record", .text(end.record)), .init("place", .text(end.place)),
          .init("is_there", .bool(end.isThere)), .init("found", .text(end.found)),
        ])
      })),
      .init("not_read", .list(notRead.map { .text($0) })), .init("not_asked", .list(notAsked.map { .text($0) })),
    ]
    report.notes = (hits.isEmpty ? [] : [total]) + places
      + ends.map { "\($0.kind) \(SecretMask.masked($0.place, of: "")): \($0.found)" }
      + notRead.map { "not read: \($0)" } + notAsked.map { "not asked: \($0)" }
    return report
  }

  private var total: String {
    let topics = Set(hits.map(\.place.topic)).count
    let letters = hits.count { $0.deadLetter != nil }
    let times = hits.compactMap(\.time)
    let span = times.max().flatMap { last in times.min().map { Duration.milliseconds(last - $0) } } ?? .zero
    return "\(counted(hits.count, "record")) in \(counted(topics, "topic")) over \(short(span))"
      + (letters > 0 ? ", \(counted(letters, "dead letter"))" : "")
      + (left > 0 ? "; \(grouped(left)) more match, --limit prints more" : "")
  }

  private func words(_ readers: Cluster.Readers) -> String {
    let waited = readers.waited.isEmpty ? [] : ["not yet " + readers.waited.joined(separator: ", ")]
    let parts = (readers.done.isEmpty ? [] : [readers.done.joined(separator: ", ")]) + waited
    return parts.isEmpty ? "-" : parts.joined(separator: "; ")
  }

  private func note(_ hit: TraceHit) -> String {
    if let letter = hit.deadLetter { return "dead letter of \(letter.service), \(letter.code): \(letter.reason)" }
    if let object = hit.object { return "object \(SecretMask.masked(object, of: ""))" }
    return hit.fileName ?? ""
  }

  private func letter(_ hit: TraceHit) -> DataValue {
    guard let letter = hit.deadLetter else { return .null }
    return .object([
      .init("code", .text(letter.code)), .init("reason", .text(letter.reason)),
      .init("service", .text(letter.service)), .init("origin", .text(letter.origin)),
    ])
  }

  /// Where it ended.
  private var ended: [String] {
    guard let files else { return [] }
    if files.isEmpty { return ["PostgreSQL has no file of these records"] }
    return files.map { file in
      let rows = file.rows.map { " of \(counted(Int($0), "row"))" } ?? ""
      let written = file.writtenAt.map { ", written at \($0)" } ?? ""
      let outcome = file.outcome ?? "not reported yet"
      return "PostgreSQL has file \(file.name ?? file.id) (\(outcome)\(rows)\(written)); "
        + "now of it: prices \(grouped(Int(file.prices))), products \(grouped(Int(file.products))), "
        + "promotions \(grouped(Int(file.promotions)))"
    }
  }

  private func data(_ file: StoredFiles.File) -> DataValue {
    .object([
      .init("file_id", .text(file.id)), .init("file_name", DataValue(file.name)), .init("chain", .text(file.chain)),
      .init("store_id", DataValue(file.storeID)), .init("outcome", DataValue(file.outcome)),
      .init("rows", DataValue(file.rows)), .init("prices", .integer(file.prices)),
      .init("products", .integer(file.products)), .init("promotions", .integer(file.promotions)),
      .init("written_at", DataValue(file.writtenAt)),
    ])
  }
}
