/// A length of time as people write it in flags and environment variables: `250ms`, `30s`, `5m`, `2h`, `1d`.
///
/// A bare number is refused, because `--timeout 30` does not say whether it means seconds or milliseconds.
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

/// A number of bytes as people write it: `512`, `64KiB`, `16MiB`, `2GiB`, or decimal `10MB`.
package struct ByteSize: Hashable, Sendable, CustomStringConvertible {
  package var bytes: Int

  package init(_ bytes: Int) { self.bytes = bytes }

  package static func kib(_ count: Int) -> Self { Self(count << 10) }
  package static func mib(_ count: Int) -> Self { Self(count << 20) }

  private static let units: [(name: String, bytes: Int)] = [
    ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000),
    ("B", 1), ("", 1),
  ]

  /// - Returns: nil when the text is not a non-negative integer followed by nothing or one of the units.
  package init?(text: String) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let suffix = text.dropFirst(digits.count)
    guard let count = Int(digits), let unit = Self.units.first(where: { $0.name == suffix }) else { return nil }
    let (total, overflow) = count.multipliedReportingOverflow(by: unit.bytes)
    guard !overflow else { return nil }
    bytes = total
  }

  package var description: String {
    let unit = Self.units.prefix(3).first { bytes != 0 && bytes % $0.bytes == 0 }
    return unit.map { "\(bytes / $0.bytes)\($0.name)" } ?? "\(bytes)"
  }
}
