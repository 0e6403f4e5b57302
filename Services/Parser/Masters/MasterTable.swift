import Kafka
import Logging
import Masters
import Messages
import Metrics
import Synchronization

/// Keeps the index of masters as the topic has it.
final class MasterTable: Sendable {
  private let index: MasterIndex
  private let logger: Logger
  private let hasWarned = Mutex(false)
  private let known = Gauge(label: "souk_masters_known")
  private let bytes = Gauge(label: "souk_masters_index_bytes")

  init(_ index: MasterIndex, _ logger: Logger) {
    self.index = index
    self.logger = logger
  }

  /// Decisions about masters: merges, splits, and what was undone.
  func decide(_ batch: RecordBatch) {
    var counts: [String: Int] = [:]
    var decisions: [MasterDecision] = []
    batch.forEach { record in
      if record.isTombstone { return }
      if let decision = try? MasterDecision(decoding: record.value) {
        decisions.append(decision)
      } else {
        unreadable(record, "a decision about masters", &counts)
      }
    }
    index.change { writer in
      for decision in decisions { counts["\(writer.decide(decision))", default: 0] += 1 }
    }
    for (result, count) in counts {
      Counter(label: "souk_master_decisions_total", dimensions: [("result", result)]).increment(by: count)
    }
  }

  private func unreadable(_ record: borrowing RecordBatch.Record, _ what: String, _ counts: inout [String: Int]) {
    counts["unreadable", default: 0] += 1
    logger.error(
      "\(what) cannot be read",
      metadata: [
        "topic": "\(record.topic)", "partition": .stringConvertible(record.partition),
        "offset": .stringConvertible(record.offset),
      ])
  }

  func apply(_ batch: RecordBatch) {
    var counts: [String: Int] = [:]
    var masters: [(id: String, master: ProductMaster?)] = []
    batch.forEach { record in
      if record.isTombstone {
        masters.append((String(decoding: record.keyBytes ?? [], as: UTF8.self), nil))
      } else if let master = try? ProductMaster(decoding: record.value) {
        masters.append((master.masterID, master))
      } else {
        unreadable(record, "a master", &counts)
      }
    }
    index.change { writer in
      for (id, master) in masters {
        let change = master.map { writer.put($0) } ?? writer.remove(id)
        counts["\(change)", default: 0] += 1
      }
    }
    for (result, count) in counts {
      Counter(label: "souk_masters_records_total", dimensions: [("result", result)]).increment(by: count)
    }
    let figures = index.current
    known.record(figures.masters)
    bytes.record(figures.bytes)
    warnWhenFull(figures)
  }

  private func warnWhenFull(_ figures: MasterIndex.Figures) {
    guard figures.refused > 0 else { return }
    let isFirst = hasWarned.withLock { warned in
      defer { warned = true }
      return !warned
    }
    guard isFirst else { return }
    logger.error(
      "the index of masters is full: new products stay their chain's own",
      metadata: ["masters": .stringConvertible(figures.masters), "bytes": .stringConvertible(figures.bytes),
        "advice": "raise --max-masters or --max-master-index-size"])
  }
}
