import Catalogue
import Core
import Kafka

/// Asks the brokers how far groups are.
package struct LagSurvey: Sendable {
  package let cluster: Cluster
  /// What all of it may take: a group whose coordinator does not answer must not hide the others.
  package var patience: Duration = .seconds(30)

  package init(cluster: Cluster) { self.cluster = cluster }

  private struct Look {
    var lags: [PartitionLag]
    var silence: String?
  }

  /// Two looks at each group, `window` apart; one when that is zero.
  /// - Throws: `KafkaError` when a cluster refuses to answer at all: a wrong password, a wrong property.
  package func read(_ groups: [ConsumerGroup], window: Duration) async throws -> [GroupLag] {
    let known = try await cluster.admin.topics()
    var spent: Duration = .zero
    let first = window > .zero ? try await looks(groups, known, &spent) : [:]
    let began = ContinuousClock.now
    if window > .zero { try await Task.sleep(for: window) }
    let second = try await looks(groups, known, &spent)
    let between = window > .zero ? ContinuousClock.now - began : .zero
    var readings: [GroupLag] = []
    for group in groups {
      guard let look = second[group.name] else { continue }
      var before: [TopicPartition: (committed: Int64?, end: Int64)] = [:]
      for lag in first[group.name]?.lags ?? [] { before[lag.partition] = (lag.committed, lag.watermarks.high) }
      let partitions = look.lags.map { lag in
        PartitionStanding(
          place: lag.partition, committed: lag.committed, low: lag.watermarks.low, end: lag.watermarks.high,
          before: before[lag.partition])
      }
      readings.append(GroupLag(
        group: group.name, partitions: partitions, state: look.silence == nil ? try await state(group.name) : nil,
        window: between, now: WallClock.microseconds() / 1_000, silence: look.silence))
    }
    return try await timed(readings)
  }

  private func looks(
    _ groups: [ConsumerGroup], _ known: [String: [Int32]], _ spent: inout Duration
  ) async throws -> [String: Look] {
    var looks: [String: Look] = [:]
    var isSilent = false
    for group in groups {
      guard spent < patience else {
        looks[group.name] = Look(lags: [], silence: "not asked, since others did not answer")
        continue
      }
      let begin = ContinuousClock.now
      do throws(KafkaError) {
        let lags = try await cluster.admin.lag(
          group: group.name, topics: group.inputs.map(\.name).filter { known[$0] != nil },
          within: .seconds(isSilent ? 2 : 10))
        looks[group.name] = Look(lags: lags)
      } catch {
        if error.errorClass != .transient { throw error }
        isSilent = true
        spent += ContinuousClock.now - begin
        looks[group.name] = Look(lags: [], silence: "\(error)")
      }
    }
    return looks
  }

  /// - Returns: nil where the brokers cannot say: an embedded one, or one that does not answer.
  private func state(_ group: String) async throws -> GroupState? {
    do throws(KafkaError) {
      return try await cluster.admin.state(of: group, within: .seconds(5))
    } catch {
      if error.errorClass == .transient || error.name == "_UNSUPPORTED_FEATURE" { return nil }
      throw error
    }
  }

  /// With the time of the oldest record that waits in each partition. It is read from the topic, since it is the
  /// record's own: no guess from rates.
  private func timed(_ readings: [GroupLag]) async throws -> [GroupLag] {
    try await withThrowingTaskGroup(of: (Int, [TopicPartition: Cluster.FirstRecord]).self) { tasks in
      for (index, reading) in readings.enumerated() {
        let waiting = reading.partitions.filter { $0.lag > 0 }.map { ($0.place, $0.position) }
        if waiting.isEmpty { continue }
        tasks.addTask {
          (index, try await cluster.firstRecords(at: Dictionary(uniqueKeysWithValues: waiting), within: .seconds(10)))
        }
      }
      var readings = readings
      for try await (index, found) in tasks {
        for place in readings[index].partitions.indices {
          switch found[readings[index].partitions[place].place] {
          case .at(let time): readings[index].partitions[place].oldest = time
          case Cluster.FirstRecord.none?: readings[index].partitions[place].hasOnlyMarkers = true
          case nil: break
          }
        }
      }
      return readings
    }
  }
}
