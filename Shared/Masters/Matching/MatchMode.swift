/// How products are recognised.
package enum MatchMode: String, CaseIterable, Sendable {
  /// Not at all: an item without a GTIN is its chain's own.
  case off
  /// By GTIN only.
  case gtin
  /// By GTIN, else by name, brand and size.
  case full
}
