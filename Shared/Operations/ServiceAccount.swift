import Kafka
import LocalServers

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

/// Compares what groups have committed with what the topics have and what processes say. A pure function.
package enum PartitionAudit {
  /// - Parameters:
  ///   - owners: how many processes say that they have a partition, by group and partition (`topic/3`).
  ///   - isWhole: whether every process has answered; otherwise a partition without an owner proves nothing.
  package static func findings(
    _ readings: [GroupLag], owners: [String: [String: Int]], isWhole: Bool
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
        if owned[name] ?? 0 > 1 { found("\(owned[name] ?? 0) processes say that it is theirs") }
        let isRead = !owned.isEmpty
        if isWhole, isRead, owned[name] == nil, standing.lag > 0 {
          found("\(counted(Int(standing.lag), "record")) wait, and no process reads it")
        }
      }
    }
    return findings
  }

  /// Of all processes.
  package static func owners(_ answers: [FleetProbe.Answer]) -> [String: [String: Int]] {
    var owners: [String: [String: Int]] = [:]
    for answer in answers {
      for sample in answer.samples.samples where sample.name == "souk_kafka_committed_offset" {
        guard let group = sample.labels["group"], let topic = sample.labels["topic"],
          let partition = sample.labels["partition"]
        else { continue }
        owners[group, default: [:]]["\(topic)/\(partition)", default: 0] += 1
      }
    }
    return owners
  }
}
