import DBWriterService
import Foundation
import LocalServers
import Postgres

/// The same rows and the same statements as files for psql.
struct CopyScripts {
  private let folder: PrivateFolder
  let plain: String
  let withOffsets: String

  init(_ feed: CopyFeed) throws {
    folder = try PrivateFolder("souk-bench")
    var scripts = (plain: Self.prepare, withOffsets: Self.prepare + Self.register)
    let target = WriteTarget.prices
    let read = target.makeReader()
    for (number, flush) in feed.flushes.enumerated() {
      var tables = target.staging.map { _ in BinaryCopyRows() }
      for index in flush {
        var rows = MessageRows(batch: Int32(index), tables: tables)
        tables = []
        let message = feed.messages[index]
        try read(message.span.bytes, &rows)
        tables = rows.tables
      }
      var stage = ""
      for (table, rows) in zip(target.staging, tables) {
        let path = folder.file("\(number).\(table.name)")
        try Self.write(rows, to: path)
        stage += "\\copy \(table.name) FROM '\(path)' (FORMAT binary)\n"
      }
      for statement in target.merge(.postgresql) { stage += statement.sql + ";\n" }
      scripts.plain += "BEGIN;\n" + stage + "COMMIT;\n"
      scripts.withOffsets += "BEGIN;\n" + Self.lock + stage
        + Self.advance(from: number == 0 ? -1 : flush.lowerBound, to: flush.upperBound) + "COMMIT;\n"
    }
    plain = folder.file("plain.sql")
    withOffsets = folder.file("offsets.sql")
    try writeFile(Array(scripts.plain.utf8), to: plain)
    try writeFile(Array(scripts.withOffsets.utf8), to: withOffsets)
  }

  func remove() { folder.remove() }

  private static let prepare = StagingArea([.prices]).prepareSession + ";\n"
  private static let register = "INSERT INTO kafka_offsets VALUES ('bench', 'bench', 'bench', 0, -1, 0);\n"
  private static let lock = """
    SELECT topic, partition, next_offset FROM kafka_offsets
    WHERE cluster_id = 'bench' AND consumer_group = 'bench' AND topic = 'bench' AND partition = 0
    ORDER BY topic, partition FOR UPDATE;

    """
  private static func advance(from expected: Int, to next: Int) -> String {
    """
    UPDATE kafka_offsets SET next_offset = \(next), changes = changes + 1
    WHERE cluster_id = 'bench' AND consumer_group = 'bench' AND topic = 'bench' AND partition = 0
      AND next_offset = \(expected);

    """
  }

  private static func write(_ rows: BinaryCopyRows, to path: String) throws {
    try writeFile(BinaryCopyRows.header + rows.bytes + BinaryCopyRows.trailer, to: path)
  }
}

private func writeFile(_ bytes: [UInt8], to path: String) throws {
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}
