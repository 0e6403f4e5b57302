import Core

/// A simulated chain and its file format. The chains are invented; their formats are those of real ones.
package struct ChainProfile: Hashable, Sendable {
  /// The element names and the order of fields a chain's files use.
  package enum Dialect: String, Sendable {
    /// `Root/Items[Count]/Item`, ItemName, ItemId, a byte order mark, CRLF.
    case a
    /// `Root/Items/Item`, ItemNm, no byte order mark, CRLF, prices without trailing zeros.
    case b
    /// `ChainID`, PriceUpdateTime with a `T`, ManufactureName, empty ItemStatus.
    case e
  }

  /// The format of the bytes, which the name may contradict.
  package enum Packing: String, Sendable { case gzip, zip, none }

  /// How names are formed: type, chain, store and time, or with the sub-chain and the time of day apart.
  package enum Naming: String, Sendable { case threeParts, fiveParts }

  /// The JSON a listing comes as.
  package enum ListingShape: String, Sendable {
    /// `[{...}]`, the usual one.
    case array
    /// `{"d": [{...}]}`, with sizes and links.
    case wrapped
    /// `{"1": {...}, "2": {...}}`.
    case partitions
  }

  /// How the names of products are written.
  package enum Writing: CaseIterable, Sendable {
    case full, makerFirst, cut, sizeFirst, makerInside
  }

  package var ordinal: Int
  var writing: Writing { Writing.allCases[ordinal % Writing.allCases.count] }
  /// The name in messages and tables, e.g. `carmel_market`.
  package var slug: String
  package var hebrewName: String
  package var englishName: String
  /// 13 digits, a valid GLN-style number in an unused range.
  package var chainID: String
  /// The first segment of the chain's addresses on the portal.
  package var prefix: String
  package var dialect: Dialect
  package var packing: Packing
  package var naming: Naming
  package var listing: ListingShape
  /// The end of file names; may be empty or at odds with the packing.
  package var nameSuffix: String
  package var byteOrderMark: Bool
  package var carriageReturns: Bool
  /// Whether prices keep two decimals ("12.90") or drop trailing zeros ("12.9").
  package var fixedDecimals: Bool

  private static let templates: [(
    slug: String, hebrew: String, english: String, dialect: Dialect, packing: Packing, naming: Naming,
    listing: ListingShape, suffix: String, mark: Bool, returns: Bool, fixed: Bool
  )] = [
    ("carmel_market", "שוק הכרמל שיווק", "Carmel Market", .a, .gzip, .threeParts, .array, ".gz", true, true, true),
    ("galil_fresh", "גליל פרש", "Galil Fresh", .b, .zip, .threeParts, .array, ".gz", false, true, false),
    ("negev_savings", "נגב חיסכון", "Negev Savings", .b, .gzip, .threeParts, .wrapped, "", false, true, false),
    ("sharon_super", "סופר השרון", "Sharon Super", .e, .none, .fiveParts, .array, ".xml", false, false, true),
    ("arava_pharm", "ערבה פארם", "Arava Pharm", .e, .gzip, .fiveParts, .partitions, ".gz", true, false, true),
  ]

  /// The chain with this number, 0-based: one of the five templates, renamed when the five are used up.
  package init(ordinal: Int) {
    let template = Self.templates[ordinal % Self.templates.count]
    let copy = ordinal / Self.templates.count
    self.ordinal = ordinal
    slug = template.slug + (copy == 0 ? "" : "_\(copy + 1)")
    hebrewName = template.hebrew + (copy == 0 ? "" : " \(copy + 1)")
    englishName = template.english + (copy == 0 ? "" : " \(copy + 1)")
    chainID = Product.withCheckDigit("72999100" + zeroPadded(ordinal + 1, 4))
    prefix = slug.filter { $0 != "_" }
    dialect = template.dialect
    packing = template.packing
    naming = template.naming
    listing = template.listing
    nameSuffix = template.suffix
    byteOrderMark = template.mark
    carriageReturns = template.returns
    fixedDecimals = template.fixed
  }

  /// The number of the chain's n-th store, as files write it: "001", "011", "025".
  package func storeID(_ index: Int) -> String { zeroPadded(1 + index * 8 + ordinal * 3, 3) }

  /// Agorot as this chain writes them.
  package func priceText(_ agorot: Int) -> String {
    let whole = agorot / 100
    let rest = agorot % 100
    if fixedDecimals || rest % 10 != 0 { return "\(whole).\(zeroPadded(rest, 2))" }
    return rest == 0 ? "\(whole)" : "\(whole).\(rest / 10)"
  }
}
