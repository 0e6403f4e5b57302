import Catalogue

extension FleetSystem {
  /// What its services read, write and follow, with the dead letters of what they read, and what `souk` itself writes;
  /// in the order of the catalogue.
  package var topics: [Topic] {
    let read = services.flatMap(\.inputs)
    let markets = [Topics.marketSplits, Topics.backfillJobs, Topics.backfillStatus]
    let own = [Topics.alerts] + (self == .lambda ? markets : [])
    let named = Set((read + own + services.flatMap { $0.outputs + $0.tables }).map(\.name))
    let letters = Set(read.map(\.deadLetterName))
    return Topics.allWithDeadLetters.filter { named.contains($0.name) || letters.contains($0.name) }
  }
}
