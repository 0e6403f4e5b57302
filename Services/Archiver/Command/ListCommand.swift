import Archiving
import ArgumentParser
import Core
import Messages
import ObjectStoreFlags
import ServiceKit
import Values

/// How a command prints.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
  case table, json
}

/// `archiver ls`: what the catalogue has. Lists nothing in the store.
struct ListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls", abstract: "Print what the archive has, from its catalogue.",
    discussion: """
      archiver ls                                        datasets with their sums
      archiver ls market-ticks                           dates of one
      archiver ls market-ticks --date 2025-01-20         objects of one date
      archiver ls market-ticks --date 2025-01-20 --symbol AAPL --format json

      Times are nanoseconds since 1970, UTC; dates those of the exchange. What was stored in the last minute is not in \
      the catalogue yet.
      """)

  @Argument(help: "The dataset; all when left out.")
  var dataset: String?

  @Option(help: ArgumentHelp("Print the objects of this date.", valueName: "date"))
  var date: String?

  @Option(parsing: .singleValue, help: "Only objects of this symbol (repeatable).")
  var symbol: [String] = []

  @Option(help: "How to print.") var format = OutputFormat.table
  @OptionGroup(title: "Archive") var archive: ArchiveOptions
  @OptionGroup(title: "Object store") var objectStore: ObjectStoreOptions

  func validate() throws {
    if let date, CivilDate(date) == nil { throw ValidationError("--date: '\(date)' is not like 2025-01-20") }
    guard date == nil || dataset != nil else { throw ValidationError("--date needs a dataset") }
    guard symbol.isEmpty || date != nil else { throw ValidationError("--symbol needs a --date") }
  }

  func run() async throws {
    try await archive.withCatalogue(objectStore) { catalogue in
      if let dataset, let date {
        _ = try archive.mapping(of: dataset)
        let entries = try await catalogue.entries(of: dataset, on: date).filter {
          symbol.isEmpty || symbol.contains($0.symbol)
        }
        return printed(["OBJECT", "ROWS", "BYTES", "TIER"], entries) {
          [$0.object, $0.rows.map { "\($0)" } ?? "?", "\($0.bytes)", $0.tier ?? ArchiveDate.newTier]
        }
      }
      if let dataset {
        _ = try archive.mapping(of: dataset)
        let dates = try await catalogue.index(of: dataset)?.dates ?? []
        return printed(["DATE", "OBJECTS", "ROWS", "BYTES", "TIERS"], dates) {
          [$0.date, "\($0.objects)", "\($0.rows)", "\($0.bytes)", Self.text($0.tiers)]
        }
      }
      var sums: [DatasetSum] = []
      for mapping in try archive.mappings() {
        let index = try await catalogue.index(of: mapping.dataset)
        sums.append(DatasetSum(index ?? ArchiveIndex(dataset: mapping.dataset, prefix: mapping.prefix)))
      }
      printed(["DATASET", "FROM", "TO", "OBJECTS", "ROWS", "BYTES", "TIERS"], sums) {
        [$0.dataset, $0.from ?? "-", $0.to ?? "-", "\($0.objects)", "\($0.rows)", "\($0.bytes)", Self.text($0.tiers)]
      }
    }
  }

  private func printed<Row: FieldwiseObject>(_ heads: [TextTable.Column], _ rows: [Row], _ cells: (Row) -> [String]) {
    switch format {
    case .json: for row in rows { print(String(decoding: row.json, as: UTF8.self)) }
    case .table: printTable(heads, rows.map(cells))
    }
  }

  private static func text(_ tiers: [String: Int64]) -> String {
    tiers.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
  }
}

/// Prints rows below their heads.
func printTable(_ heads: [TextTable.Column], _ rows: [[String]]) {
  var table = TextTable(heads, hasRule: false)
  for row in rows { table.append(row) }
  print(table.lines.joined(separator: "\n"))
}

/// A dataset in one line.
struct DatasetSum: FieldwiseObject {
  var dataset: String
  var prefix: String
  /// The first and the last date.
  var from: String?
  var to: String?
  var objects: Int64
  var rows: Int64
  var bytes: Int64
  var tiers: [String: Int64]

  init(_ index: ArchiveIndex) {
    (dataset, prefix) = (index.dataset, index.prefix)
    (from, to) = (index.dates.first?.date, index.dates.last?.date)
    (objects, rows, bytes, tiers) = (index.objects, index.rows, index.bytes, index.tiers)
  }

  static let blank = Self(ArchiveIndex(dataset: "", prefix: ""))
  static let fields = ObjectFields(blank)

  mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("dataset", &dataset)
    try coder.required("prefix", &prefix)
    try coder.field("from", &from)
    try coder.field("to", &to)
    try coder.field("objects", &objects)
    try coder.field("rows", &rows)
    try coder.field("bytes", &bytes)
    try coder.field("tiers", &tiers)
  }
}
