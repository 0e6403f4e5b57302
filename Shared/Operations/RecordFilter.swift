import ArgumentParser
import Core
import KafkaFlags
import Kafka

/// A moment as people write it: `10m` (so long ago) or an RFC 3339 time.
package struct Moment: ExpressibleByArgument, Hashable, Sendable {
  private enum Form: Hashable, Sendable {
    case ago(Duration)
    case at(Int64)
  }
  private let form: Form

  private init(_ form: Form) { self.form = form }

  package static func ago(_ duration: Duration) -> Moment { Moment(.ago(duration)) }

  package init?(argument: String) {
    if let ago = DurationSetting(text: argument) {
      form = .ago(ago.duration)
    } else if case .timestamp(let milliseconds)? = StartPosition(argument: argument) {
      form = .at(milliseconds)
    } else {
      return nil
    }
  }

  /// Milliseconds since 1970.
  /// - Parameter now: of the same kind.
  package func milliseconds(now: Int64) -> Int64 {
    switch form {
    case .ago(let duration): now - Int64(duration / .milliseconds(1))
    case .at(let time): time
    }
  }

  package var milliseconds: Int64 { milliseconds(now: WallClock.microseconds() / 1_000) }
}

/// `chain=shufersal`, `items.price>10`, `reason~timeout`: a condition over a field of a record's JSON.
///
/// A path goes through objects by names joined by points; of a list any element may meet the condition. Numbers are
/// compared as numbers, everything else as text.
package struct Condition: ExpressibleByArgument, Hashable, Sendable {
  private enum Comparison: String, CaseIterable, Sendable {
    // Longer ones first, since `>` begins `>=`.
    case atLeast = ">=", atMost = "<=", differs = "!=", equals = "=", above = ">", below = "<", contains = "~"
  }
  private let path: [String]
  private let comparison: Comparison
  private let operand: String

  package init?(argument: String) {
    guard let start = argument.firstIndex(where: { "<>!=~".contains($0) }), start > argument.startIndex,
      let comparison = Comparison.allCases.first(where: { argument[start...].hasPrefix($0.rawValue) })
    else { return nil }
    path = argument[..<start].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard path.allSatisfy({ !$0.isEmpty }) else { return nil }
    self.comparison = comparison
    operand = String(argument[argument.index(start, offsetBy: comparison.rawValue.count)...])
  }

  package func matches(_ value: DataValue) -> Bool { matches(value, path[...]) }

  private func matches(_ value: DataValue, _ path: ArraySlice<String>) -> Bool {
    if case .list(let elements) = value { return elements.contains { matches($0, path) } }
    guard let name = path.first else { return holds(value) }
    // A field that is absent differs from everything.
    guard let field = value[name] else { return comparison == .differs }
    return matches(field, path.dropFirst())
  }

  private func holds(_ value: DataValue) -> Bool {
    let text = switch value {
    case .text(let text): text
    default: value.json
    }
    let order: (less: Bool, equal: Bool) = if let left = Double(text), let right = Double(operand) {
      (left < right, left == right)
    } else {
      (text < operand, text == operand)
    }
    return switch comparison {
    case .equals: order.equal
    case .differs: !order.equal
    case .above: !order.less && !order.equal
    case .below: order.less
    case .atLeast: !order.less
    case .atMost: order.less || order.equal
    case .contains: text.lowercased().contains(operand.lowercased())
    }
  }
}

/// Where a tap begins.
package enum TapStart: ExpressibleByArgument, Hashable, Sendable {
  case earliest
  case moment(Moment)

  package init?(argument: String) {
    if argument == "earliest" {
      self = .earliest
    } else if let moment = Moment(argument: argument) {
      self = .moment(moment)
    } else {
      return nil
    }
  }

  package var milliseconds: Int64 {
    switch self {
    case .earliest: 0
    case .moment(let moment): moment.milliseconds
    }
  }
}

extension Cluster {
  /// The first offsets at or behind a time, by partition. An embedded broker cannot look up times: there the answer is
  /// empty, and the reader passes over older records itself.
  package func starts(_ places: Set<TopicPartition>, at time: Int64) async throws -> [Int32: Int64] {
    if time <= 0 { return [:] }
    if try await admin.clusterID().hasPrefix(EmbeddedBroker.clusterIDPrefix) { return [:] }
    let offsets = try await admin.offsets(places, at: time)
    return Dictionary(uniqueKeysWithValues: offsets.map { ($0.key.partition, $0.value) })
  }
}
