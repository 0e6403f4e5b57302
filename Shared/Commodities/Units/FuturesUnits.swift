/// The units of futures on Yahoo Finance (`HG=F`), which its responses do not name: the exchanges' contract
/// specifications define them (CME Group for COMEX, NYMEX, CBOT and CME; ICE Futures US and Europe).
///
/// Yahoo names the currency, `USX` where the exchange quotes in cents.
enum FuturesUnits {
  /// - Parameter symbol: Yahoo's symbol.
  /// - Returns: nil for anything but a known future.
  static func unit(of symbol: String) -> PhysicalUnit? {
    product(of: symbol).flatMap { units[$0] }.flatMap { PhysicalUnit($0) }
  }

  /// `HG` for `HG=F`, the nearest month, and for `HGZ26.CMX`, December 2026; nil for anything but a future.
  static func product(of symbol: String) -> String? {
    if symbol.hasSuffix("=F") { return String(symbol.dropLast(2)) }
    let parts = symbol.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, ["CMX", "NYM", "CBT", "CME", "NYB"].contains(parts[1]), parts[0].count > 3,
      parts[0].suffix(2).allSatisfy({ $0.isASCII && $0.isNumber })
    else { return nil }
    return String(parts[0].dropLast(3))
  }

  private static let units = [
    // COMEX and NYMEX metals
    "HG": "lb", "QC": "lb", "MHG": "lb", "ALI": "t", "GC": "ozt", "MGC": "ozt", "QO": "ozt", "SI": "ozt",
    "SIL": "ozt", "QI": "ozt", "PL": "ozt", "PA": "ozt", "HRC": "short_ton", "TIO": "t",
    // NYMEX and ICE energy
    "CL": "bbl", "QM": "bbl", "MCL": "bbl", "BZ": "bbl", "NG": "mmbtu", "QG": "mmbtu", "HH": "mmbtu", "RB": "gal",
    "HO": "gal", "MTF": "t", "TTF": "mwh", "B0": "gal",
    // CBOT grains and oilseeds
    "ZC": "bu_corn", "XC": "bu_corn", "ZW": "bu_wheat", "XW": "bu_wheat", "KE": "bu_wheat", "ZS": "bu_soybeans",
    "XK": "bu_soybeans", "ZO": "bu_oats", "ZL": "lb", "ZM": "short_ton", "ZR": "cwt",
    // CME livestock, lumber, dairy; ICE softs
    "LE": "lb", "HE": "lb", "GF": "lb", "LBR": "mbf", "LBS": "mbf", "DC": "cwt", "KC": "lb", "SB": "lb", "CT": "lb",
    "OJ": "lb", "CC": "t",
  ]
}
