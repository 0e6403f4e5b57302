/// One symbol for one instrument, whatever each provider calls it.
///
/// Canonical is upper case with what follows the root behind a point: `BRK.B` (class), `BAC.PRL` (preferred series L),
/// `AA.WS` (warrant), `AA.U` (unit), `AA.RT` (right); an option is its OCC name without blanks, `SPY251219C00650000`.
/// Sources: the symbology of the Consolidated Tape System (suffixes), the Options Clearing Corporation's 21 characters
/// (root of six, yymmdd, C or P, strike times 1000 in eight digits).
package enum SymbolNames {
  package enum Dialect: String, CaseIterable, Sendable {
    /// Polygon, Massive: `BRK.B`, `BACpL` with a small p, `AAw` and `AA.WS`, `O:SPY251219C00650000`.
    case polygon
    /// Alpaca: the canonical form.
    case alpaca
    /// Yahoo, EDGAR: `BRK-B`, `BAC-PL`, `AA-WT`, `AA-UN`.
    case dashed
    /// With the root's blanks: `SPY   251219C00650000`.
    case occ
  }

  /// - Returns: nil for what is no symbol: empty, longer than 32 bytes, other characters than letters, digits and
  ///   those of the dialect.
  package static func canonical(_ text: some StringProtocol, from dialect: Dialect) -> String? {
    var name = String(text)
    if dialect == .polygon, name.hasPrefix("O:") { name.removeFirst(2) }
    if dialect == .occ || isOption(name.filter { $0 != " " }) { name.removeAll { $0 == " " } }
    guard isWellFormed(name) else { return nil }
    if isOption(name) { return name.uppercased() }
    switch dialect {
    case .polygon: return fromTape(name)
    case .alpaca, .occ: return name.uppercased()
    case .dashed: return fromDashes(name.uppercased())
    }
  }

  /// The provider's name of a canonical symbol.
  package static func name(of symbol: String, for dialect: Dialect) -> String {
    if isOption(symbol) {
      switch dialect {
      case .polygon: return "O:" + symbol
      case .alpaca, .dashed: return symbol
      case .occ:
        let root = symbol.dropLast(15)
        return root + String(repeating: " ", count: max(0, 6 - root.count)) + symbol.suffix(15)
      }
    }
    guard let point = symbol.firstIndex(of: ".") else { return symbol }
    let (root, suffix) = (symbol[..<point], symbol[symbol.index(after: point)...])
    switch dialect {
    case .alpaca, .occ: return symbol
    case .polygon: return suffix.hasPrefix("PR") ? "\(root)p\(suffix.dropFirst(2))" : symbol
    case .dashed:
      switch suffix {
      case "WS": return "\(root)-WT"
      case "U": return "\(root)-UN"
      case "RT": return "\(root)-RI"
      default: return suffix.hasPrefix("PR") ? "\(root)-P\(suffix.dropFirst(2))" : "\(root)-\(suffix)"
      }
    }
  }

  /// Root, six digits of a date, C or P, eight digits of a strike.
  package static func isOption(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    guard (16...21).contains(bytes.count) else { return false }
    let tail = bytes.suffix(15)
    let kind = tail[tail.startIndex + 6] & 0xdf
    let digits = tail.prefix(6) + tail.suffix(8)
    return digits.allSatisfy { 0x30...0x39 ~= $0 } && (kind == UInt8(ascii: "C") || kind == UInt8(ascii: "P"))
      && isLetter(bytes[0])
  }

  private static func isLetter(_ byte: UInt8) -> Bool { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte & 0xdf }

  private static func isWellFormed(_ name: String) -> Bool {
    (1...32).contains(name.utf8.count) && name.utf8.allSatisfy { byte in
      isLetter(byte) || 0x30...0x39 ~= byte || [0x2d, 0x2e, 0x2f, 0x3a].contains(byte)
    }
  }

  /// `BACpL` is the preferred series L, `AAw` a warrant, `AAr` a right, `AAu` a unit: small letters are suffixes.
  private static func fromTape(_ name: String) -> String {
    guard let small = name.firstIndex(where: { $0.isLowercase }), small > name.startIndex,
      name[..<small].allSatisfy({ $0.isUppercase })
    else { return name.uppercased() }
    let (root, rest) = (name[..<small], name[name.index(after: small)...])
    switch name[small] {
    case "p": return "\(root).PR\(rest.uppercased())"
    case "w": return "\(root).WS\(rest.uppercased())"
    case "r" where rest.isEmpty: return "\(root).RT"
    case "u" where rest.isEmpty: return "\(root).U"
    default: return name.uppercased()
    }
  }

  private static func fromDashes(_ name: String) -> String {
    guard let dash = name.firstIndex(of: "-") else { return name }
    let (root, suffix) = (name[..<dash], name[name.index(after: dash)...])
    switch suffix {
    case "WT", "WS": return "\(root).WS"
    case "UN", "U": return "\(root).U"
    case "RI", "RT": return "\(root).RT"
    default: return suffix.hasPrefix("P") ? "\(root).PR\(suffix.dropFirst())" : "\(root).\(suffix)"
    }
  }
}

extension Feed {
  package var dialect: SymbolNames.Dialect { isPolygon ? .polygon : self == .alphaVantage ? .dashed : .alpaca }
}
