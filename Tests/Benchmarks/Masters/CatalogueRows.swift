import Core
import Foundation
import Masters
import PriceFiles
import Values

/// Published price lists: for each chain, the last row of each code.
struct CatalogueRows {
  struct Row {
    var code: String
    var gtin: GTIN?
    var name: [UInt8]
    var brand: [UInt8]
    var unit: [UInt8]
    var measure: [UInt8]
    var quantity: ExactDecimal?
    var price: ExactDecimal
    var isWeighted: Bool

    var nameText: String { String(decoding: name, as: UTF8.self) }
    var facts: RowFacts {
      name.withUnsafeBufferPointer { RowFacts(name: $0, price: Float(price.approximate), isWeighted: isWeighted) }
    }

    func set(_ text: ProductText) {
      name.withUnsafeBufferPointer { name in
        brand.withUnsafeBufferPointer { brand in
          unit.withUnsafeBufferPointer { unit in
            measure.withUnsafeBufferPointer {
              text.set(
                name: name, brand: brand, quantity: quantity, unit: unit, measure: $0, isWeighted: isWeighted)
            }
          }
        }
      }
    }
  }

  struct Chain {
    /// Of the folder that holds its files.
    var name: String
    /// In which its newest list was published; 0 when the file's name does not say.
    var year: Int
    var rows: [Row]
  }

  private(set) var chains: [Chain] = []
  /// Candidates that persons rejected, by chain: codes, and the masters that they are not.
  private(set) var rejected: [String: [(code: String, master: MasterKey)]] = [:]

  /// - Parameter folders: each holds a folder for each chain; files that are no full price lists are passed over.
  init(folders: [String]) throws {
    let zone = try ZoneTable(identifier: PriceFileName.zoneIdentifier)
    var found: [String: [String: Row]] = [:]
    var years: [String: Int] = [:]
    for folder in folders {
      let root = URL(fileURLWithPath: folder)
      for chain in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where !chain.hasPrefix("_") {
        let home = root.appendingPathComponent(chain)
        let files = (try? FileManager.default.contentsOfDirectory(atPath: home.path)) ?? []
        if files.contains(Self.rejections) {
          let text = try String(contentsOf: home.appendingPathComponent(Self.rejections), encoding: .utf8)
          rejected[chain, default: []] += text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: "\t").map(String.init)
            guard fields.count == 2, let master = MasterKey(fields[1]) else { return nil }
            return (fields[0], master)
          }
        }
        for file in files.sorted() where file.hasPrefix("PriceFull") {
          let bytes = try Data(contentsOf: home.appendingPathComponent(file))
          try Self.read(bytes, zone) { found[chain, default: [:]][$0.code] = $0 }
          years[chain] = max(years[chain] ?? 0, (try? PriceFileName(file))?.date.year ?? 0)
        }
      }
    }
    chains = found.map { name, rows in
      Chain(name: name, year: years[name] ?? 0, rows: rows.values.sorted { $0.code < $1.code })
    }.sorted { $0.name < $1.name }
  }

  private static let rejections = "rejected.tsv"

  private static func read(_ bytes: Data, _ zone: ZoneTable, _ body: (Row) -> Void) throws {
    var plan = ReadingPlan()
    var rows: [Row] = []
    for _ in 0..<3 {
      let reader = PriceFileReader(zone: zone, plan: plan)
      rows = []
      let take: (borrowing PriceRow) -> Void = { row in
        let isWeighted = row.isWeighted == true
        guard row.unsafeText(.name).count > 1 else { return }
        rows.append(
          Row(code: row.string(.code), gtin: GTIN(row.unsafeText(.code)), name: Array(row.unsafeText(.name)),
            brand: Array(row.unsafeText(.manufacturer)), unit: Array(row.unsafeText(.unitQty)),
            measure: Array(row.unsafeText(.unitOfMeasure)),
            quantity: row.quantity, price: row.price, isWeighted: isWeighted))
      }
      var answer = try bytes.withUnsafeBytes { try reader.feed($0) { take($0) } }
      if answer == .more { answer = try reader.finish { take($0) } }
      guard answer == .restart, reader.nextPlan != plan else { break }
      plan = reader.nextPlan
    }
    rows.forEach(body)
  }
}
