/// How products are recognised.
package enum MatchMode: String, CaseIterable, Sendable {
  /// Not at all: an item without a GTIN is its chain's own.
  case off
  /// By GTIN only.
  case gtin
  /// By GTIN, else by name, maker, size and price.
  case full
}

/// Which master a row of a price file is.
package enum MatchOutcome: Hashable, Sendable {
  /// Its GTIN, or just its words and size, are known.
  case exact(MasterKey)
  /// A model takes it for this one. The probability is in thousandths.
  case similar(MasterKey, score: Int)
  /// It was not met before: a new master, to be published with what refers to it.
  case new(MasterKey)
  /// It has neither a GTIN nor a name to go by, or the index is full: it stays its chain's own.
  case unknown(Reason)

  package enum Reason: String, Hashable, Sendable {
    case noName = "no_name"
    case full = "index_full"
  }
}
