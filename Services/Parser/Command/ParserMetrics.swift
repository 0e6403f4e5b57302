import Masters
import Metrics
import PriceFiles
import ServiceKit
import Synchronization
import Values

/// The parser's metrics of files and rows.
struct ParserMetrics: Sendable {
  static let descriptions = [
    MetricDescription("souk_files_parsed_total", .counter, "Files read, by outcome.", labels: ["outcome"]),
    MetricDescription(
      "souk_rows_read_total", .counter, "Rows of files that were read whole, by result.", labels: ["result"]),
    MetricDescription(
      "souk_file_bytes_total", .counter, "Bytes of files read, as stored and after decompression.", labels: ["form"]),
    MetricDescription("souk_unknown_elements_total", .counter, "Elements of rows that no known dialect has."),
    MetricDescription(
      "souk_unknown_words_total", .counter, "Words of rows that are in no vocabulary: units of measure.",
      labels: ["vocabulary"]),
    MetricDescription(
      "souk_file_defects_total", .counter, "Broken markup and invalid bytes that reading tolerated, by code.",
      labels: ["code"]),
    MetricDescription(
      "souk_unreadable_values_total", .counter, "Quantities, unit prices and times that could not be read."),
    MetricDescription("souk_item_references_total", .counter, "Items that promotions refer to."),
    MetricDescription("souk_rows_fell_total", .counter, "Files with far fewer rows than the store's earlier ones."),
    MetricDescription("souk_row_history_failures_total", .counter, "Failed accesses to the row history."),
    MetricDescription("souk_files_reread_total", .counter, "Second passes over a file, by reason.", labels: ["reason"]),
    MetricDescription(
      "souk_rows_matched_total", .counter, "Rows by how their product was recognised: exact, name, minted, rejected.",
      labels: ["result"]),
    MetricDescription("souk_rows_unmatched_total", .counter, "Rejected rows by reason.", labels: ["reason"]),
    MetricDescription(
      "souk_master_lookup_seconds", .histogram, "Mean time of a lookup by name, one value for every file.",
      buckets: [1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3]),
    MetricDescription(
      "souk_rows_perhaps_total", .counter, "Minted rows that a known master might be: their records name it."),
    MetricDescription("souk_master_names_total", .counter, "Names that no chain had used for a known master."),
    MetricDescription("souk_masters_known", .gauge, "Masters in the index."),
    MetricDescription("souk_masters_index_bytes", .gauge, "Memory of the index of masters."),
    MetricDescription(
      "souk_masters_records_total", .counter, "Records of the topic of masters, by what they did to the index.",
      labels: ["result"]),
    MetricDescription(
      "souk_master_decisions_total", .counter,
      "Records of merges, splits and rejected candidates, by what they did to the index.", labels: ["result"]),
  ]

  private func matched(_ masters: MasterLookup.Counts) {
    count("souk_rows_matched_total", "result", "exact", masters.exact)
    count("souk_rows_matched_total", "result", "name", masters.named)
    count("souk_rows_matched_total", "result", "minted", masters.minted)
    count("souk_rows_matched_total", "result", "rejected", masters.rejected.values.reduce(0, +))
    for (reason, rows) in masters.rejected { count("souk_rows_unmatched_total", "reason", reason.rawValue, rows) }
    count("souk_rows_perhaps_total", masters.perhaps)
    count("souk_master_names_total", masters.names)
    if masters.lookups > 0 {
      Timer(label: "souk_master_lookup_seconds").record(duration: masters.lookupTime / masters.lookups)
    }
  }

  func read(_ report: FileReading.Report) {
    let summary = report.summary
    if let masters = report.masters { matched(masters) }
    count("souk_files_parsed_total", "outcome", summary.outcome.rawValue, 1)
    count("souk_file_bytes_total", "form", "stored", summary.compressedBytes)
    count("souk_file_bytes_total", "form", "inflated", summary.inflatedBytes)
    count("souk_rows_read_total", "result", "kept", summary.keptRows - report.oversizedRows)
    count("souk_rows_read_total", "result", "duplicate_code", summary.repeatedRows)
    count("souk_rows_read_total", "result", "too_large", report.oversizedRows)
    for (reason, rows) in summary.rejected.byReason { count("souk_rows_read_total", "result", reason, rows) }
    count("souk_unknown_elements_total", summary.unknownElements)
    for (code, found) in summary.defects where code != "unreadable_value" {
      count("souk_file_defects_total", "code", code, found)
    }
    count("souk_unknown_words_total", "vocabulary", "unit_of_measure", summary.unknownWords.values.reduce(0, +))
    count("souk_item_references_total", summary.itemReferences)
    count("souk_unreadable_values_total", summary.unreadableValues)
  }

  func rowsFell() { Counter(label: "souk_rows_fell_total").increment() }

  func reread(_ reason: String) { count("souk_files_reread_total", "reason", reason, 1) }

  private func count(_ label: String, _ amount: Int) {
    if amount > 0 { Counter(label: label).increment(by: amount) }
  }

  private func count(_ label: String, _ dimension: String, _ value: String, _ amount: Int) {
    guard amount > 0 else { return }
    Counter(label: label, dimensions: [(dimension, value)]).increment(by: amount)
  }
}

/// Files and rows by chain: the sums over all chains hide one that stops publishing, or whose files become empty.
final class ChainMetrics: Sendable {
  static let descriptions = [
    MetricDescription(
      "souk_chain_files_total", .counter, "Files read, by chain and content.", labels: ["chain", "kind"]),
    MetricDescription(
      "souk_chain_rows_total", .counter, "Rows kept, by chain and content: prices, promotions, stores.",
      labels: ["chain", "kind"]),
    MetricDescription(
      "souk_chain_newest_file_timestamp_seconds", .gauge,
      "Time of the newest file of the chain that this process has read rows of.", labels: ["chain"]),
  ]

  private let newest = Mutex<[String: Int64]>([:])
  private let maxChains: Int

  /// - Parameter maxChains: chains with a time; names come from messages, so their number is not bounded by itself.
  init(maxChains: Int = 500) { self.maxChains = maxChains }

  /// - Parameter now: a file with a later time counts as made now.
  func read(_ file: FileToParse, kind: PriceFileKind, rows: Int, now: Timestamp) {
    let labels = [("chain", file.chain), ("kind", kind.rawValue)]
    Counter(label: "souk_chain_files_total", dimensions: labels).increment()
    // Also when it is 0: no alert fires on a series that does not exist.
    Counter(label: "souk_chain_rows_total", dimensions: labels).increment(by: max(0, rows))
    guard rows > 0 else { return }
    let seconds = min(file.fileTime.microseconds, now.microseconds) / 1_000_000
    let latest: Int64? = newest.withLock { newest in
      if newest[file.chain] == nil, newest.count >= maxChains { return nil }
      let latest = max(seconds, newest[file.chain] ?? seconds)
      newest[file.chain] = latest
      return latest
    }
    guard let latest else { return }
    Gauge(label: "souk_chain_newest_file_timestamp_seconds", dimensions: [("chain", file.chain)]).record(latest)
  }
}
