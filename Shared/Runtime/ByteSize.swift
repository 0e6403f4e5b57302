import ArgumentParser

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

extension ByteSize: ExpressibleByArgument {
  package init?(argument: String) { self.init(text: argument) }
  package var defaultValueDescription: String { description }
}
