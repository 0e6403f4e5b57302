/// The third word of a routing key, and the one that picks the topic: what kind of material a series is about.
///
/// Each category has a topic of its own, so that a worker subscribes only to those its pattern can match.
package enum MarketCategory: String, CaseIterable, Hashable, Sendable {
  /// Resins and compounds: PVC, XLPE.
  case polymer
  /// Foils and tapes: aluminium, mylar.
  case shielding
  /// Braids and wires, bought now and then: copper wire.
  case screening
  /// What other prices follow, such as crude oil.
  case energy
}
