import Core
import Messages

/// The last states of the recent bars of one series, so that a revision is told from a repetition. Pure.
package struct BarHistory: Hashable, Sendable {
  private struct State: Hashable, Sendable {
    var startNs: Int64
    var digest: UInt64
    var revision: Int64
    var knownNs: Int64
  }
  /// In the order they came.
  private var states: [State] = []

  package init() {}

  /// - Parameter depth: bars that are remembered: late trades change bars for a quarter of an hour.
  /// - Returns: which change of the bar this is, 0 for a new one; nil when it says what is known.
  package mutating func note(_ values: FeedBarValues, depth: Int) -> Int64? {
    let digest = values.digest
    if let place = states.lastIndex(where: { $0.startNs == values.startNs }) {
      guard states[place].digest != digest else { return nil }
      states[place].digest = digest
      states[place].revision += 1
      states[place].knownNs = values.knownNs
      return states[place].revision
    }
    states.append(State(startNs: values.startNs, digest: digest, revision: values.revision, knownNs: values.knownNs))
    if states.count > depth { states.removeFirst(states.count - depth) }
    return values.revision
  }

  /// When the last state of a bar was received; nil for one that is not known.
  package func known(startNs: Int64) -> Int64? { states.last { $0.startNs == startNs }?.knownNs }

  /// The start of the latest bar.
  package var latestNs: Int64? { states.map(\.startNs).max() }

  // MARK: - text

  /// `start:digest:revision:known` for each bar, separated by blanks.
  package var text: String {
    states.map { "\($0.startNs):\($0.digest):\($0.revision):\($0.knownNs)" }.joined(separator: " ")
  }

  /// - Returns: nil for any other text.
  package init?(_ text: String) {
    for word in text.split(separator: " ") {
      let parts = word.split(separator: ":")
      guard parts.count == 4, let start = Int64(parts[0]), let digest = UInt64(parts[1]),
        let revision = Int64(parts[2]), let known = Int64(parts[3])
      else { return nil }
      states.append(State(startNs: start, digest: digest, revision: revision, knownNs: known))
    }
  }
}
