/// How the simulated portal behaves.
package struct PortalOptions: Sendable {
  /// A listing never has more rows than this, as on the real portal.
  package var listingCap = 1_000
  /// Rows on one page of the portals that list on pages.
  package var rowsPerPage = 20
  /// How long a signed link is good.
  package var linkLifetime: Duration = .seconds(1_800)
  /// Time between two rounds of price files, from the start; nil: all rounds are visible at once.
  package var roundInterval: Duration?
  /// Rounds visible from the start (with `roundInterval`) or until `reveal` is called; nil: all.
  package var firstRounds: Int?
  package var faults: [Fault] = []
  /// The pause between the pieces of a slow answer.
  package var dripPause: Duration = .milliseconds(100)
  /// The length of those pieces in bytes.
  package var dripBytes = 64

  package init() {}
}
