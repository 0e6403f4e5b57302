import Catalogue
import Kafka
import Operations
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

    var name: String {
      switch self {
      case .create: "missing"
      case .keep: "up to date"
      case .tooFew: "too few partitions"
      case .moreThanNeeded: "more partitions"
      }
    }
  }

  struct Entry: Hashable, Sendable {
    var topic: Topic
    var step: Step
  }

  private(set) var entries: [Entry]
  /// What the cluster calls topics.
  let names: ClusterNames

  /// - Parameter existing: the cluster's partitions per topic.
  init(catalogue: [Topic], existing: [String: Int], names: ClusterNames = ClusterNames()) {
    self.names = names
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

  /// - Parameters:
  ///   - all: also topics that are as they should be.
  ///   - created: the missing ones were just created.
  func report(all: Bool = false, created: Bool = false) -> Report {
    var report = Report("topics", [
      .text("change", ""), .text("topic", "TOPIC", least: 16), .number("partitions", "PARTITIONS"),
      .text("retention", "RETENTION", rank: 1), .hidden("step"), .text("note", "NOTE", least: 16, rank: 2),
    ])
    for entry in entries where all || entry.step != .keep {
      let (mark, note, tone): (String, String, Tone) = switch entry.step {
      case .create: ("+", created ? "created" : "will be created", .good)
      case .keep: ("=", "", .plain)
      case .tooFew(let count):
        ("!", "the cluster has \(count); growing would move keys: your decision", .warning)
      case .moreThanNeeded(let count): ("=", "the cluster has \(count); topics never shrink", .plain)
      }
      report.append([
        .text(mark), .text(names.onCluster(entry.topic.name)), .count(Int(entry.topic.partitions)),
        .text(kept(entry.topic)), .text(entry.step.name), .text(note),
      ], tone)
    }
    let kept = entries.count { $0.step == .keep }
    let counts = Dictionary(grouping: entries, by: \.step.name).mapValues(\.count)
    report.nothing = "\(counted(kept, "topic")) up to date, nothing to do"
    if !report.rows.isEmpty {
      report.notes = [
        "\(counted(missing.count, "topic")) \(created ? "created" : "missing"), \(grouped(kept)) up to date",
      ]
    }
    report.fields = [.init("counts", .object(counts.sorted { $0.key < $1.key }.map {
      .init($0.key, .integer(Int64($0.value)))
    }))]
    return report
  }
}

/// The retention, or `compact` for a topic that keeps the last record of every key.
func kept(_ topic: Topic) -> String { topic.cleanup == .compact ? "compact" : days(topic.retention) }

/// `604800 seconds` as `7d`, `3600 seconds` as `1h`.
func days(_ duration: Duration) -> String {
  let seconds = duration.components.seconds
  return seconds % 86_400 == 0 ? "\(seconds / 86_400)d" : "\(seconds / 3_600)h"
}
