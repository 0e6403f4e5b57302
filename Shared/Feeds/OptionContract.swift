import Core
import Values

/// What the name of an option says: root, expiry, call or put, strike.
package struct OptionContract: Hashable, Sendable {
  /// The canonical symbol of what the contract is on.
  package let underlying: String
  /// `2025-12-19`.
  package let expiry: String
  package let isCall: Bool
  package let strike: ExactDecimal

  /// - Parameter name: the OCC name without blanks, `SPY251219C00650000`.
  /// - Returns: nil for what is none, or has a date that does not exist.
  package init?(_ name: String) {
    guard SymbolNames.isOption(name) else { return nil }
    let bytes = Array(name.utf8)
    let tail = Array(bytes.suffix(15))
    func number(_ range: Range<Int>) -> Int64 { tail[range].reduce(0) { $0 * 10 + Int64($1 - 0x30) } }
    guard let date = CivilDate(year: 2_000 + Int(number(0..<2)), month: Int(number(2..<4)), day: Int(number(4..<6)))
    else { return nil }
    underlying = Self.underlying(ofRoot: String(decoding: bytes.dropLast(15), as: UTF8.self))
    expiry = date.description
    isCall = tail[6] & 0xdf == UInt8(ascii: "C")
    strike = ExactDecimal(unchecked: number(7..<15), scale: 3).normalized
  }

  /// A digit behind a root says that the contract was adjusted; weekly contracts on indices have roots of their own,
  /// and classes of shares no point.
  private static func underlying(ofRoot root: String) -> String {
    let plain = String(root.reversed().drop { $0.isNumber }.reversed())
    return others[plain] ?? plain
  }

  private static let others = [
    "SPXW": "SPX", "NDXP": "NDX", "RUTW": "RUT", "VIXW": "VIX", "DJXW": "DJX", "XEOW": "XEO", "BRKB": "BRK.B",
    "BFB": "BF.B",
  ]
}
