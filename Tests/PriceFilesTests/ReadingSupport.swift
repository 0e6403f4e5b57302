import Compression
import Core
import CZlib
import Foundation
import PriceFiles
import Values

/// A row as values, for comparing.
struct ReadRow: Equatable {
  var index: Int
  var texts: [String]
  var price: String
  var quantity: String?
  var unitPrice: String?
  var isWeighted: Bool?
  var updatedAt: String?

  subscript(_ field: PriceField) -> String { texts[Int(field.rawValue)] }

  init(_ row: borrowing PriceRow) {
    index = row.index
    var texts: [String] = []
    for field in PriceField.allCases { texts.append(row.string(field)) }
    self.texts = texts
    price = row.price.description
    quantity = row.quantity?.description
    unitPrice = row.unitPrice?.description
    isWeighted = row.isWeighted
    updatedAt = row.updatedAt?.description
  }
}

extension [ReadRow] {
  /// Exact.
  var priceSum: Decimal { reduce(0) { $0 + (Decimal(string: $1.price) ?? .nan) } }
}

let israel: ZoneTable = {
  guard let zone = try? ZoneTable(identifier: PriceFileName.zoneIdentifier) else {
    preconditionFailure("no zone database: install the Debian package tzdata")
  }
  return zone
}()

/// Reads a whole file, in chunks whose sizes `chunk` gives, restarting when asked to.
func read(
  _ bytes: [UInt8], limits: PriceFileLimits = PriceFileLimits(), chunk: () -> Int = { 64 << 10 }
) -> (rows: [ReadRow], summary: PriceFileSummary, restarted: Bool) {
  var plan = ReadingPlan()
  while true {
    let reader = PriceFileReader(limits: limits, zone: israel, plan: plan)
    var rows: [ReadRow] = []
    var answer = PriceFileReader.Answer.more
    var start = 0
    while start < bytes.count, answer == .more {
      let end = min(bytes.count, start + max(1, chunk()))
      // A buffer of exactly this size, so that a memory checker sees any byte read beyond it.
      let part = Array(bytes[start..<end])
      part.withUnsafeBytes { raw in
        answer = (try? reader.feed(raw) { rows.append(ReadRow($0)) }) ?? .stop
      }
      start = end
    }
    if answer == .more { answer = (try? reader.finish { rows.append(ReadRow($0)) }) ?? .stop }
    if answer == .restart {
      plan = reader.nextPlan
      continue
    }
    return (rows, reader.summary, plan != ReadingPlan())
  }
}

extension PriceFileSummary {
  /// Without the fields that depend on how far reading had come when it stopped.
  var withoutProgress: PriceFileSummary {
    var summary = self
    guard defect != nil else { return summary }
    summary.compressedBytes = 0
    summary.inflatedBytes = 0
    summary.trailingBytes = 0
    summary.hasMoreEntries = false
    if outcome != .malformed, outcome != .truncated {
      summary.encoding = nil
      summary.badCharacters = 0
    }
    return summary
  }
}

func gzipped(_ bytes: [UInt8]) -> [UInt8] { Deflate.gzip(bytes) ?? [] }

/// Without any wrapper, as inside a ZIP file.
func rawDeflated(_ bytes: [UInt8]) -> [UInt8] { Deflate.raw(bytes) ?? [] }

func crc(_ bytes: [UInt8]) -> UInt32 {
  bytes.withUnsafeBufferPointer { UInt32(truncatingIfNeeded: crc32_z(0, $0.baseAddress, $0.count)) }
}
