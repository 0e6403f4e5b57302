import Catalogue
import Foundation
import LocalServers
import PriceFiles
import Testing
import TestSupport

/// Published files, read by the fleet and by independent readers (Python's expat and ElementTree, and a table that was
/// made with lxml), compared to the digit.
///
/// `SOUK_REAL_DATA` names a folder that holds `prices/<chain>/<file>` and `prices/EXPECTED.csv`; without it the case
/// is skipped.
@Suite struct RealFilesTests {
  static let folder = ProcessInfo.processInfo.environment["SOUK_REAL_DATA"].map { $0 + "/prices" }

  @Test(.enabled(if: folder != nil, "SOUK_REAL_DATA names no folder of real files"), .timeLimit(.minutes(15)))
  func postgresEqualsTheFiles() async throws {
    let folder = try #require(Self.folder)
    let expected = try await python("read_prices.py", folder)
    let sides = try await python("count_sides.py", folder)
    let ledger = try Self.ledger(of: folder)
    try await Fleet.with(.folder(folder)) { fleet in
      let services = try await fleet.startAll()
      var found: [String] = []
      try await eventually("every real price is in PostgreSQL", timeout: .seconds(240), interval: .milliseconds(500)) {
        for service in services {
          if let status = service.status { throw ConditionNotMet(description: "\(service.name) ended with \(status)") }
        }
        found = try await fleet.query(
          "SELECT chain, store_id, ean, price FROM prices WHERE chain NOT LIKE E'\\\\_%' ORDER BY 1, 2, 3")
        return found.count == expected.count && Set(found) == Set(expected)
      }
      try await expectSides(sides, in: fleet)
      var accounts = Set<String>()
      try? await eventually("the ledger", timeout: .seconds(240), interval: .milliseconds(500)) {
        accounts = Set(
          try await fleet.query("SELECT chain || '/' || file_name, outcome, \(Self.counts) FROM parsed_files"))
        return accounts == ledger
      }
      let (extra, missing) = (accounts.subtracting(ledger), ledger.subtracting(accounts))
      #expect(accounts == ledger, "only in the ledger: \(extra), only expected: \(missing)")
      // What could not be read, or not to its end, is quarantined with the reason, and nothing else is.
      try await eventually("the broken files are quarantined") {
        let count = try await fleet.records(in: Topics.filesDownloaded.deadLetters)
          + fleet.records(in: Topics.filesDiscovered.deadLetters)
        return count == 4
      }
    }
  }

  /// Rows, distinct codes of files of prices, references to items of files of promotions; nothing of what cannot be
  /// read.
  private static let counts = """
    CASE WHEN outcome <> 'corrupt' THEN rows END,
    CASE WHEN outcome <> 'corrupt' AND kind LIKE 'price%' THEN distinct_codes END,
    CASE WHEN kind LIKE 'promo%' THEN item_refs END
    """

  /// `path|outcome|rows|distinct codes|item references` of what the parser is to see, as EXPECTED.csv has it.
  private static func ledger(of folder: String) throws -> Set<String> {
    let text = try String(contentsOfFile: "\(folder)/EXPECTED.csv", encoding: .utf8)
    var lines = text.split(whereSeparator: \.isNewline)
      .map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    let columns = lines.removeFirst().map(String.init)
    return Set(lines.compactMap { fields in
      let row = Dictionary(uniqueKeysWithValues: zip(columns, fields.map(String.init)))
      let (path, outcome) = (row["path"] ?? "", row["outcome"] ?? "")
      // The downloader refuses files without bytes and pages; names that are none are not announced at all.
      guard let name = path.split(separator: "/").last, (try? PriceFileName(String(name))) != nil,
        outcome != "empty_file", outcome != "not_xml_html"
      else { return nil }
      let counts = ["rows", "distinct_codes", "item_refs"].map { row[$0] ?? "" }
      return "\(path)|\(outcome)|\(counts.joined(separator: "|"))"
    })
  }

  /// Promotions, their items and stores are as counted by an independent reader.
  private func expectSides(_ expected: [String], in fleet: Fleet) async throws {
    var found: [String] = []
    try? await eventually("promotions and stores", timeout: .seconds(240), interval: .milliseconds(500)) {
      found = try await fleet.query(
        """
        SELECT 'promotions', chain, store_id || '|' || count(*) || '|' || sum(items)
        FROM promotions WHERE chain NOT LIKE E'\\\\_%' GROUP BY chain, store_id
        UNION ALL
        SELECT 'stores', chain, count(*)::text FROM stores WHERE chain NOT LIKE E'\\\\_%' GROUP BY chain
        """)
      return Set(found) == Set(expected)
    }
    #expect(Set(found) == Set(expected))
    let items = try await fleet.query("SELECT count(*) FROM promotion_items")
    #expect(try await fleet.query("SELECT sum(items) FROM promotions") == items)
  }

  /// The output of a script in this folder, written independently on other libraries.
  private func python(_ script: String, _ folder: String) async throws -> [String] {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(script)
    let python = try Program.require("python3", package: "the Debian package python3")
    let output = try await ChildProcess.runOrThrow(Launch(python, [script.path, folder]))
    return output.split(separator: "\n").map(String.init)
  }
}
