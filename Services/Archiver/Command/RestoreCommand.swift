import Archiving
import ArgumentParser
import Core
import ObjectStoreFlags
import ServiceKit
import Values

/// `archiver restore`: writes down what is to be readable; archivers do it.
struct RestoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Ask for archived objects to be readable, and print the restore.",
    discussion: """
      archiver restore market-ticks --from 2023-03-10 --to 2023-03-13
      archiver restore market-ticks --from 2023-03-10 --symbol AAPL --symbol MSFT --days 14

      The archiver that keeps the catalogue asks the store at its next look; stores take up to 15 hours (S3 Deep \
      Archive 48). `archiver status` follows it. Afterwards the objects go back to their tier.
      """)

  @Argument(help: "The dataset.") var dataset: String
  @Option(help: ArgumentHelp("First date.", valueName: "date")) var from: String
  @Option(help: ArgumentHelp("Last date (default: the first).", valueName: "date")) var to: String?

  @Option(parsing: .singleValue, help: "Only objects of this symbol (repeatable).")
  var symbol: [String] = []

  @Option(help: "Days for which they stay readable.") var days: Int64 = 7

  @Option(help: "How to print.") var format = OutputFormat.table
  @OptionGroup(title: "Archive") var archive: ArchiveOptions
  @OptionGroup(title: "Object store") var objectStore: ObjectStoreOptions

  func validate() throws {
    for (flag, date) in [("--from", from), ("--to", to ?? from)] where CivilDate(date) == nil {
      throw ValidationError("\(flag): '\(date)' is not like 2025-01-20")
    }
    guard to ?? from >= from else { throw ValidationError("--to is before --from") }
    guard (1...3_650).contains(days) else { throw ValidationError("--days must be 1 to 3650") }
  }

  func run() async throws {
    _ = try archive.mapping(of: dataset)
    try await archive.withCatalogue(objectStore) { catalogue in
      let now = Timestamp(microseconds: WallClock.microseconds()) ?? .epoch
      let civil = now.civil
      let stamp = [civil.month, civil.day, civil.hour, civil.minute, civil.second].map { zeroPadded($0, 2) }.joined()
      let mark = zeroPadded(Int.random(in: 0..<1_000_000), 6)
      let job = RestoreJob(
        id: "\(zeroPadded(civil.year, 4))\(stamp)-\(mark)", dataset: dataset, from: from, to: to ?? from,
        symbols: symbol, days: days, at: now)
      try await RestoreBook(catalogue: catalogue).write(job)
      RestoreTable.print([job], as: format)
    }
  }
}

/// `archiver status`: how restores are.
struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Print restores and how they are.",
    discussion: """
      archiver status                                    all restores, the latest last
      archiver status 20261130081500-123456 --format json

      requested: no archiver has begun it. restoring: the store was asked. available: all its objects can be read, \
      until the time given. failed: the reason says why. expired: its objects go back to their tier.
      """)

  @Argument(help: "The restore; all when left out.") var id: String?
  @Option(help: "How to print.") var format = OutputFormat.table
  @OptionGroup(title: "Archive") var archive: ArchiveOptions
  @OptionGroup(title: "Object store") var objectStore: ObjectStoreOptions

  func run() async throws {
    try await archive.withCatalogue(objectStore) { catalogue in
      let book = RestoreBook(catalogue: catalogue)
      guard let id else { return RestoreTable.print(try await book.all(), as: format) }
      guard let job = try await book.job(id) else {
        throw Failure(
          .configuration, code: "archive_restore_unknown", "there is no restore '\(id)'; see archiver status")
      }
      RestoreTable.print([job], as: format)
    }
  }
}

enum RestoreTable {
  static func print(_ jobs: [RestoreJob], as format: OutputFormat) {
    guard format == .table else {
      for job in jobs { Swift.print(String(decoding: job.json, as: UTF8.self)) }
      return
    }
    let rows = jobs.map { job in
      [
        job.id, job.dataset, job.from == job.to ? job.from : "\(job.from)...\(job.to)",
        job.symbols.isEmpty ? "all" : job.symbols.joined(separator: ","), job.state.rawValue,
        "\(job.available)/\(job.objects)", job.until.map { "\($0)" } ?? "-", job.reason ?? "",
      ]
    }
    printTable(["RESTORE", "DATASET", "DATES", "SYMBOLS", "STATE", "READABLE", "UNTIL", "REASON"], rows)
  }
}
