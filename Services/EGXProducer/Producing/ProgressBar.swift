import Glibc

/// The progress of a backfill in one line of a terminal. Pure except `show`.
package struct ProgressBar: Sendable {
  package let width: Int
  private let start = ContinuousClock.now

  package init(width: Int = 30) { self.width = max(1, width) }

  /// `[#####-----]  50 %  COMI  15/30  3400 bars  00:12 left`
  package func line(_ step: Backfill.Step, elapsed: Duration) -> String {
    let share = step.total > 0 ? Double(step.done) / Double(step.total) : 1
    let filled = min(width, Int(share * Double(width)))
    let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    let left = share > 0 ? Int((seconds / share - seconds).rounded()) : 0
    let percent = String(Int(share * 100))
    return "[\(bar)] \(String(repeating: " ", count: max(0, 3 - percent.count)))\(percent) %  \(step.symbol)  "
      + "\(step.done)/\(step.total)  \(step.published) bars  \(Self.clock(left)) left"
  }

  package func show(_ step: Backfill.Step) {
    // Returns to the first column and clears the rest of a longer line.
    let text = "\r" + line(step, elapsed: .now - start) + "\u{1b}[K" + (step.done == step.total ? "\n" : "")
    _ = Array(text.utf8).withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
  }

  static func clock(_ seconds: Int) -> String {
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let text = "\(two(seconds / 60 % 60)):\(two(seconds % 60))"
    return seconds >= 3_600 ? "\(seconds / 3_600):\(text)" : text
  }
}
