/// The text beside a committed offset that says: from here up to `next` something is being written. Whoever takes
/// the partition over repeats exactly this range before anything else.
package struct ClosingMark: Hashable, Sendable {
  /// One past the last offset of the range; its first is the committed offset.
  package var next: Int64
  package var format: String

  package init(next: Int64, format: String) {
    self.next = next
    self.format = format
  }

  /// `closing=4711 format=batch/gzip`
  package var text: String { "closing=\(next) format=\(format)" }

  /// - Returns: nil for any other text: of another program, or none.
  package init?(_ text: String) {
    var fields: [Substring: Substring] = [:]
    for part in text.split(separator: " ") {
      guard let equals = part.firstIndex(of: "=") else { return nil }
      fields[part[..<equals]] = part[part.index(after: equals)...]
    }
    guard let next = fields["closing"].flatMap({ Int64($0) }), next >= 0, let format = fields["format"], !format.isEmpty
    else { return nil }
    self.init(next: next, format: String(format))
  }
}
