/// A text with `{name}` placeholders that are filled for each request. Any other brace is an error.
package struct TextTemplate: Hashable, Sendable {
  package enum Part: Hashable, Sendable {
    case text(String)
    case slot(Slot)
  }

  /// The placeholders.
  package enum Slot: String, CaseIterable, Hashable, Sendable {
    /// The provider's symbol of the series.
    case symbol
    /// Routing words.
    case material, country, region, category
    /// `price` or `demand`.
    case kind
    /// ISO 4217, of the country or the world market.
    case currency
    /// The material's unit in the catalogue.
    case unit
    case token
    /// RFC 3339 in UTC.
    case dueAt = "due_at"
    /// Seconds since 1970.
    case dueAtUnix = "due_at_unix"
    /// `YYYY-MM-DD` in UTC.
    case dueDay = "due_day"
  }

  package let parts: [Part]

  /// - Returns: nil for a text with an unknown name or an unclosed brace.
  package init?(_ text: String) {
    var parts: [Part] = []
    var rest = text[...]
    while let open = rest.firstIndex(of: "{") {
      guard let close = rest[open...].firstIndex(of: "}"),
        let slot = Slot(rawValue: String(rest[rest.index(after: open)..<close]))
      else { return nil }
      if rest.startIndex < open { parts.append(.text(String(rest[..<open]))) }
      parts.append(.slot(slot))
      rest = rest[rest.index(after: close)...]
    }
    guard !rest.contains("}") else { return nil }
    if !rest.isEmpty { parts.append(.text(String(rest))) }
    self.parts = parts
  }

  package func uses(_ slot: Slot) -> Bool { parts.contains(.slot(slot)) }

  package func filled(_ value: (Slot) -> String) -> String {
    parts.map { part in
      switch part {
      case .text(let text): text
      case .slot(let slot): value(slot)
      }
    }.joined()
  }
}
