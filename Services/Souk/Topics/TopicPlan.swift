import Catalogue
import ServiceKit

/// The differences between a cluster's topics and the catalogue, and the step for each topic.
struct TopicPlan: Hashable, Sendable {
  enum Step: Hashable, Sendable {
    case create
    case keep
    /// Fewer partitions than in the catalogue. More of them would move keys and break the order of a store's files, so
    /// the operator decides.
    case tooFew(existing: Int32)
    /// More partitions than in the catalogue: unchanged, because topics cannot shrink.
    case moreThanNeeded(existing: Int32)
  }

  struct Entry: Hashable, Sendable {
    var topic: Topic
    var step: Step
  }

  private(set) var entries: [Entry]

  /// - Parameter existing: the cluster's partitions per topic.
  init(catalogue: [Topic], existing: [String: Int]) {
    entries = catalogue.map { topic in
      let step: Step = switch existing[topic.name].map(Int32.init(clamping:)) {
      case nil: .create
      case topic.partitions: .keep
      case .some(let count) where count < topic.partitions: .tooFew(existing: count)
      case .some(let count): .moreThanNeeded(existing: count)
      }
      return Entry(topic: topic, step: step)
    }
  }

  var missing: [Topic] { entries.filter { $0.step == .create }.map(\.topic) }
  var isSettled: Bool { missing.isEmpty }

  var lines: [String] {
    var table = TextTable(["", "TOPIC", .right("PARTITIONS"), "RETENTION", "NOTE"])
    for entry in entries {
      let (mark, note): (String, String) = switch entry.step {
      case .create: ("+", "will be created")
      case .keep: ("=", "")
      case .tooFew(let count): ("!", "the cluster has \(count); growing would move keys: your decision")
      case .moreThanNeeded(let count): ("=", "the cluster has \(count); topics never shrink")
      }
      table.append([mark, entry.topic.name, "\(entry.topic.partitions)", kept(entry.topic), note])
    }
    return table.lines
  }
}

/// The retention, or `compact` for a topic that keeps the last record of every key.
func kept(_ topic: Topic) -> String { topic.cleanup == .compact ? "compact" : days(topic.retention) }

/// `604800 seconds` as `7d`, `3600 seconds` as `1h`.
func days(_ duration: Duration) -> String {
  let seconds = duration.components.seconds
  return seconds % 86_400 == 0 ? "\(seconds / 86_400)d" : "\(seconds / 3_600)h"
}
