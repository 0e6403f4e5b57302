import Catalogue
import Core
import Kafka
import LocalServers
import Logging
import Synchronization
import Testing
import TestSupport

/// A record as a reader without a group sees it.
struct SeenRecord: Hashable, Sendable {
  var key: String
  var value: [UInt8]
  var headers: [String: String]
}

extension Fleet {
  /// Everything that is in a topic now.
  func read(_ topic: Topic) async throws -> [SeenRecord] {
    let seen = Collected()
    let reader = try TableReader(
      TableReader.Configuration(
        properties: [
          "bootstrap.servers": broker.bootstrapServers, "group.id": "integration-tests", "enable.auto.commit": "false",
          "enable.auto.offset.store": "false", "enable.partition.eof": "true", "auto.offset.reset": "error",
        ], topic: topic.name, logger: Logger(label: "integration-tests"))
    ) { batch in
      batch.forEach { record in
        seen.add(SeenRecord(
          key: String(decoding: record.keyBytes ?? [], as: UTF8.self), value: record.valueBytes,
          headers: Dictionary(record.headers.map { ($0.name, String(decoding: $0.value, as: UTF8.self)) }) { $1 }))
      }
    }
    _ = try await reader.waitUntilCurrent(orUntil: Interruption())
    await reader.closeAndWait()
    return seen.all
  }

  private final class Collected: Sendable {
    private let records = Mutex<[SeenRecord]>([])
    func add(_ record: SeenRecord) { records.withLock { $0.append(record) } }
    var all: [SeenRecord] { records.withLock { $0 } }
  }

  /// Everything in the database that must not depend on the course of the run.
  ///
  /// Left out are the times, and the master of a product that a chain sells without its GTIN: what a row is recognised
  /// as depends on what was read before it.
  func contents() async throws -> [String: [String]] {
    var tables: [String: [String]] = [:]
    for table in Self.plainTables {
      tables[table] = try await query("SELECT t::text FROM \(table) t").sorted()
    }
    tables["products"] = try await query(
      """
      SELECT CASE WHEN master_id = 'gtin:' || lpad(ean, 14, '0') THEN t::text ELSE replace(t::text, master_id, '') END
      FROM products t
      """
    ).sorted()
    tables["masters"] = try await query(
      "SELECT master_id FROM masters WHERE gtin IS NOT NULL"
    ).sorted()
    tables["files"] = try await query(
      """
      SELECT (to_jsonb(t)
        - '{discovered_at,downloaded_at,parsed_at,parse_ms,written_at,new_masters,matched}'::text[])::text
      FROM files t
      """
    ).sorted()
    return tables
  }

  private static let plainTables = [
    "prices", "price_history", "chains", "sub_chains", "stores", "promotions", "promotion_items",
    "full_files",
  ]

  /// Products whose master is in no row of its own.
  func withoutMaster() async throws -> [String] {
    try await query(
      """
      SELECT chain, ean, master_id FROM products p
      WHERE master_id ~ '^(gtin|name):' AND NOT EXISTS (SELECT FROM masters m WHERE m.master_id = p.master_id)
      """)
  }

  /// Waits until the ledger has that many files and the db-writer everything that was sent to it.
  func settle(files: Int, within limit: Duration = .seconds(240)) async throws {
    var state = ""
    do {
      try await eventually("the ledger and the offsets", timeout: limit, interval: .milliseconds(250)) {
        let count = try await query("SELECT count(DISTINCT (chain, file_name)) FROM parsed_files")
        state = "\(count) of \(files) files"
        guard count == ["\(files)"] else { return false }
        let behind = try await self.behind()
        state = "behind: \(behind)"
        return behind.isEmpty
      }
    } catch let failure as ConditionNotMet {
      throw ConditionNotMet(description: "\(failure.description); \(state)")
    }
  }

  /// What the db-writer has still to read, by topic.
  private func behind() async throws -> [String: Int] {
    var behind: [String: Int] = [:]
    for topic in FleetSystem.prices.inputs(of: ServiceCatalogue.dbWriter) {
      let sent = try await records(in: topic)
      let read = try await query(
        "SELECT coalesce(sum(greatest(next_offset, 0)), 0) FROM kafka_offsets WHERE topic = '\(topic.name)'")
      if read != ["\(sent)"] { behind[topic.name] = sent - (Int(read.first ?? "") ?? 0) }
    }
    return behind
  }
}

/// consumed = kept + skipped + dead-lettered + returned + in flight, once nothing is in flight.
///
/// - Parameter mayBeIdle: the process may have been started when everything was consumed already.
func expectEveryRecordAccounted(for service: ServiceProcess, mayBeIdle: Bool = false) async throws {
  try await eventually("\(service.name) has nothing in flight") {
    await service.metrics().sum("souk_records_in_flight") == 0
  }
  let metrics = await service.metrics()
  let consumed = metrics.sum("souk_records_consumed_total") ?? 0
  let ends = ["kept", "skipped", "dead_lettered", "returned"].map { metrics.sum("souk_records_\($0)_total") ?? 0 }
  #expect(consumed > 0 || mayBeIdle, "\(service.name) consumed nothing")
  #expect(consumed == ends.reduce(0, +), "\(service.name): \(consumed) consumed, \(ends) ended")
}
