import ArgumentParser

/// A length of time as people write it in flags and environment variables: `250ms`, `30s`, `5m`, `2h`, `1d`.
///
/// A bare number is refused, because nobody can tell seconds from milliseconds in `--timeout 30`.
package struct DurationSetting: Hashable, Sendable, CustomStringConvertible {
  package var duration: Duration

  package init(_ duration: Duration) { self.duration = duration }

  /// - Returns: nil when the text is not a non-negative integer followed by `ms`, `s`, `m`, `h` or `d`.
  package init?(text: String) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let count = Int64(digits) else { return nil }
    let milliseconds: Int64
    switch text.dropFirst(digits.count) {
    case "ms": milliseconds = 1
    case "s": milliseconds = 1_000
    case "m": milliseconds = 60_000
    case "h": milliseconds = 3_600_000
    case "d": milliseconds = 86_400_000
    default: return nil
    }
    let (total, overflow) = count.multipliedReportingOverflow(by: milliseconds)
    guard !overflow else { return nil }
    duration = .milliseconds(total)
  }

  package var description: String {
    let (seconds, attoseconds) = duration.components
    let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] as [(String, Int64)]
    where milliseconds != 0 && milliseconds % size == 0 {
      return "\(milliseconds / size)\(unit)"
    }
    return "\(milliseconds)ms"
  }
}

extension DurationSetting: ExpressibleByArgument {
  package init?(argument: String) { self.init(text: argument) }
  package var defaultValueDescription: String { description }
}
