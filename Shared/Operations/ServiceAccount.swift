import Catalogue
import Kafka
import LocalServers
import ServiceKit

/// The records of one service, summed over its processes: what came in, and what became of it. A pure value.
package struct ServiceAccount: Hashable, Sendable {
  package var service: String
  package var processes = 0
  package var consumed: Int64 = 0
  package var kept: Int64 = 0
  package var skipped: Int64 = 0
  package var deadLettered: Int64 = 0
  package var returned: Int64 = 0
  package var inFlight: Int64 = 0
  package var produced: Int64 = 0

  package init(_ service: String) { self.service = service }

  package mutating func add(_ samples: MetricSamples) {
    func value(_ name: String) -> Int64 { Int64(samples.sum(name) ?? 0) }
    processes += 1
    consumed += value("souk_records_consumed_total")
    kept += value("souk_records_kept_total")
    skipped += value("souk_records_skipped_total")
    deadLettered += value("souk_records_dead_lettered_total")
    returned += value("souk_records_returned_total")
    inFlight += value("souk_records_in_flight")
    produced += value("souk_records_produced_total")
  }

  /// Records in no column, or in two: other than 0 only while one moves from one to the other.
  package var missing: Int64 { consumed - kept - skipped - deadLettered - returned - inFlight }

  package static func all(_ answers: [FleetProbe.Answer]) -> [ServiceAccount] {
    var accounts: [String: ServiceAccount] = [:]
    for answer in answers {
      accounts[answer.service, default: ServiceAccount(answer.service)].add(answer.samples)
    }
    return accounts.values.sorted { $0.service < $1.service }
  }
}

/// A partition whose numbers contradict each other. A pure value.
package struct PartitionFinding: Hashable, Sendable {
  package var group: String
  package var partition: String
  package var words: String
}

/// Compares what groups have committed with what the topics have and what processes say. Pure functions.
package enum PartitionAudit {
  /// - Parameters:
  ///   - owners: what the processes that have a partition say is committed, by group and partition (`topic/3`).
  ///   - isWhole: whether every process has answered; otherwise a partition without an owner proves nothing.
  package static func findings(
    _ readings: [GroupLag], owners: [String: [String: [Int64]]], isWhole: Bool
  ) -> [PartitionFinding] {
    var findings: [PartitionFinding] = []
    for reading in readings {
      let owned = owners[reading.group] ?? [:]
      for standing in reading.partitions {
        let name = "\(standing.place.topic)/\(standing.place.partition)"
        func found(_ words: String) {
          findings.append(PartitionFinding(group: reading.group, partition: name, words: words))
        }
        if let committed = standing.committed, committed > standing.end {
          found("committed \(committed), and the topic ends at \(standing.end): was it made anew?")
        }
        if standing.deleted > 0 {
          found("\(counted(Int(standing.deleted), "record")) deleted by the retention before they were read")
        }
        let said = owned[name] ?? []
        if said.count > 1 { found("\(said.count) processes say that it is theirs") }
        // Asked before Kafka was, so that a commit in between is no difference.
        if let last = said.max(), let committed = standing.committed, last > committed {
          found("its process says that \(last) is committed, and Kafka has \(committed)")
        }
        let isRead = !owned.isEmpty
        if isWhole, isRead, owned[name] == nil, standing.lag > 0 {
          found("\(counted(Int(standing.lag), "record")) wait, and no process reads it")
        }
      }
    }
    return findings
  }

  /// Of all processes.
  package static func owners(_ answers: [FleetProbe.Answer]) -> [String: [String: [Int64]]] {
    var owners: [String: [String: [Int64]]] = [:]
    for answer in answers {
      for sample in answer.samples.samples where sample.name == "souk_kafka_committed_offset" {
        guard let group = sample.labels["group"], let topic = sample.labels["topic"],
          let partition = sample.labels["partition"]
        else { continue }
        owners[group, default: [:]]["\(topic)/\(partition)", default: []].append(Int64(sample.value))
      }
    }
    return owners
  }

  /// What processes have produced and dead-lettered since they started is in the topics: these end behind it.
  /// - Parameter ends: the offsets that a topic has given in all, by topic; topics that do not exist are missing.
  package static func findings(_ answers: [FleetProbe.Answer], ends: [String: Int64]) -> [PartitionFinding] {
    var findings: [PartitionFinding] = []
    for (service, answers) in Dictionary(grouping: answers, by: \.service).sorted(by: { $0.key < $1.key }) {
      func compare(_ topics: [String], _ count: Int64, _ what: String) {
        let ended = topics.reduce(0) { $0 + (ends[$1] ?? 0) }
        guard count > ended else { return }
        let words = "\(counted(Int(count), "record")) \(what), and the topic has had \(grouped(Int(ended)))"
        findings.append(PartitionFinding(group: service, partition: topics.joined(separator: ", "), words: words))
      }
      var produced: [String: Int64] = [:]
      for sample in answers.flatMap(\.samples.samples) where sample.name == "souk_records_produced_total" {
        produced[sample.labels["topic"] ?? "", default: 0] += Int64(sample.value)
      }
      for (topic, count) in produced.sorted(by: { $0.key < $1.key }) where ends[topic] != nil {
        compare([topic], count, "produced")
      }
      let letters = ServiceCatalogue.named(service)?.inputs.map(\.deadLetterName).filter { ends[$0] != nil } ?? []
      let dead = answers.reduce(Int64(0)) { $0 + Int64($1.samples.sum("souk_records_dead_lettered_total") ?? 0) }
      if !letters.isEmpty { compare(letters, dead, "dead-lettered") }
    }
    return findings
  }
}
