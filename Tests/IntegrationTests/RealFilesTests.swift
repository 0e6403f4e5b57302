import Foundation
import LocalServers
import Schemas
import TestSupport
import Testing

/// Published files, read by the fleet and by an independent reader (Python's expat), compared to the digit.
///
/// `SOUK_REAL_DATA` names a folder that holds `prices/<chain>/<file>`; without it the case is skipped.
@Suite struct RealFilesTests {
  static let folder = ProcessInfo.processInfo.environment["SOUK_REAL_DATA"].map { $0 + "/prices" }

  @Test(.enabled(if: folder != nil, "SOUK_REAL_DATA names no folder of real files"), .timeLimit(.minutes(15)))
  func pricesInPostgresEqualThoseInTheFiles() async throws {
    let folder = try #require(Self.folder)
    let expected = try await independentReading(of: folder)
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
      // What could not be read, or not to its end, is quarantined with the reason, and nothing else is.
      try await eventually("the broken files are quarantined", timeout: .seconds(30)) {
        let count = try await fleet.records(in: Topics.filesDownloaded.deadLetters)
          + fleet.records(in: Topics.filesDiscovered.deadLetters)
        return count == 4
      }
    }
  }

  /// `chain|store|ean|price` of the newest file of each store, read by other code than ours.
  private func independentReading(of folder: String) async throws -> [String] {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("read_prices.py")
    let python = try Program.require("python3", package: "the Debian package python3")
    let output = try await ChildProcess.runOrThrow(Launch(python, [script.path, folder]))
    return output.split(separator: "\n").map(String.init)
  }
}
