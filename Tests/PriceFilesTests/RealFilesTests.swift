import Foundation
import PriceFiles
import Testing
import TestSupport
import Values

/// The published files of the folder that `SOUK_REAL_DATA` names, against an independent reading of them with lxml.
@Suite(.enabled(if: RealFiles.folder != nil, "SOUK_REAL_DATA names no folder of real files"))
struct RealFilesTests {
  @Test(arguments: RealFiles.expectations)
  func agreesWithTheIndependentReading(_ expected: RealFiles.Expectation) throws {
    let bytes = Array(try Data(contentsOf: RealFiles.url(expected.path)))
    let (rows, summary, _) = read(bytes)
    #expect(summary.outcome.rawValue == expected.outcome, "\(summary.defect?.description ?? "")")
    if let compression = expected.compression { #expect(summary.compression?.rawValue == compression) }
    if let encoding = expected.encoding, let read = summary.encoding {
      #expect(encoding == "utf-16" ? read.rawValue.hasPrefix("utf-16") : read.rawValue == encoding)
    }
    guard let expectedRows = expected.rows else {
      #expect(!summary.outcome.rowsAreTrustworthy)
      return
    }
    #expect(summary.rows == expectedRows)
    #expect(summary.unknownElements == 0, "\(summary.unknownNames)")
    guard expected.kind.holdsPrices else {
      #expect(summary.itemReferences == expected.itemReferences ?? 0)
      #expect(summary.rejected.total == 0)
      #expect(rows.isEmpty)
      #expect(records(bytes).records.count == summary.keptRows)
      #expect(summary.rows == 0 || (summary.kind == .stores) == (expected.kind == .stores))
      return
    }
    #expect(summary.distinctCodes == expected.distinctCodes)
    // The independent sum is of all rows, those that another row of their code replaces among them.
    let expectedSum = try #require(expected.priceSum)
    #expect(rows.count == expectedRows ? rows.priceSum == expectedSum : rows.priceSum < expectedSum)
    #expect(rows.count == expected.distinctCodes)
    #expect(summary.rejected.total == 0)
    #expect(rows.count == summary.keptRows)
  }

  @Test(arguments: RealFiles.expectations.filter { $0.kind.holdsPrices && ($0.rows ?? 0) > 0 })
  func chunkSizesDoNotMatter(_ expected: RealFiles.Expectation) throws {
    let bytes = Array(try Data(contentsOf: RealFiles.url(expected.path)))
    guard bytes.count < 1 << 20 else { return }
    let whole = read(bytes)
    var random = TestRandom(expected.path)
    let pieces = read(bytes) { Int.random(in: 1...3_000, using: &random) }
    #expect(whole.rows == pieces.rows)
    #expect(whole.summary == pieces.summary)
  }

  @Test func namesAreRead() throws {
    for expected in RealFiles.expectations where !expected.path.hasPrefix("_") {
      let file = String(expected.path.split(separator: "/")[1])
      let name = try PriceFileName(file)
      #expect(name.type == expected.kind, "\(file)")
    }
  }
}

enum RealFiles {
  struct Expectation: Sendable, CustomTestStringConvertible {
    var path: String
    var kind: FileType
    var compression: String?
    var encoding: String?
    var outcome: String
    var rows: Int?
    var distinctCodes: Int?
    var priceSum: Decimal?
    var itemReferences: Int?
    var testDescription: String { path }
  }

  static let folder: URL? = ProcessInfo.processInfo.environment["SOUK_REAL_DATA"].flatMap { path in
    let folder = URL(fileURLWithPath: path).appendingPathComponent("prices")
    return FileManager.default.fileExists(atPath: folder.appendingPathComponent("EXPECTED.csv").path) ? folder : nil
  }

  static func url(_ path: String) throws -> URL { try #require(folder).appendingPathComponent(path) }

  static let expectations: [Expectation] = {
    guard let file = folder?.appendingPathComponent("EXPECTED.csv"),
      let table = try? String(contentsOf: file, encoding: .utf8)
    else { return [] }
    return table.split(separator: "\n").dropFirst().compactMap { line in
      let cells = line.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
      guard cells.count >= 9, let kind = FileType(rawValue: cells[1]) else { return nil }
      return Expectation(
        path: cells[0], kind: kind, compression: cells[2].isEmpty ? nil : cells[2],
        encoding: cells[3].isEmpty ? nil : cells[3], outcome: cells[5], rows: Int(cells[6]),
        distinctCodes: Int(cells[7]), priceSum: Decimal(string: cells[8]),
        itemReferences: cells.count > 9 ? Int(cells[9].trimmingCharacters(in: .whitespaces)) : nil)
    }
  }()
}
