/// The size and contents of a catalogue. Catalogues with equal settings are equal byte for byte.
///
/// The defaults give about 30,000 full rows and 13,000 changed rows, which is 15 to 20 MB of product messages:
/// what an in-memory broker that keeps 5 MB per partition can hold.
package struct CatalogueSettings: Hashable, Sendable {
  package var seed: UInt64 = 1
  /// Chains on the portal. The first five differ in dialect, packing, file names and listing shape; more repeat
  /// those five under other ids.
  package var chains = 5
  /// Stores of each chain.
  package var stores = 3
  /// Approximate number of products of a store (each store omits some).
  package var items = 2_000
  /// Price files (changes since the full file) after the PriceFull of each store.
  package var rounds = 4
  /// The share of a store's products whose price moves in one round.
  package var changesPerRound = 0.12
  /// Rows of a price file that repeat an unchanged price, as a share of the store's products.
  package var announcedPerRound = 0.01
  /// Codes that are repeated with another price in the full files of dialect A. Readers keep the first.
  package var duplicates = 2
  /// The share of a store's products that its PromoFull file is about.
  package var promotedShare = 0.02
  /// Whether Stores and PromoFull files are published too.
  package var sideFiles = true
  /// The day of the first full file, in Israel.
  package var day = WallTime(year: 2026, month: 8, day: 23)

  package init() {}
}
