/// Where the catalogue of one dataset lies: in the store of its objects, in a folder of its own, whose objects never
/// change their tier.
///
/// ```
/// _catalogue/market-ticks/index.json                       dates with their sums
/// _catalogue/market-ticks/date=2025-01-20.jsonl.gz         the objects of a date
/// _catalogue/market-ticks/incoming/part-00003-….jsonl      what a generation has stored, until it is merged
/// _catalogue/restores/open/<id>.json, .../ended/<id>.json  restores
/// ```
package struct CatalogueNames: Hashable, Sendable {
  package let folder: String
  package let dataset: String

  package static let restores = "restores"

  package var index: String { "\(folder)/\(dataset)/index.json" }
  package func objects(of date: String) -> String { "\(folder)/\(dataset)/date=\(date).jsonl.gz" }
  package var incoming: String { "\(folder)/\(dataset)/incoming/" }
  package func incoming(_ name: String) -> String { "\(incoming)\(name).jsonl" }
}
