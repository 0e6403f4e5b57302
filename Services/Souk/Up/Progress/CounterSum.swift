/// Counters of a process that may be restarted: its numbers begin at 0 again, the sum goes on.
struct CounterSum: Hashable, Sendable {
  private var before = 0
  /// What the process that runs now has counted.
  private(set) var last = 0
  /// How often the numbers began again.
  private(set) var resets = 0

  var total: Int { before + last }

  mutating func observe(_ value: Int) {
    if value < last {
      before += last
      resets += 1
    }
    last = value
  }
}
