/// What became of every consumed record, in plain numbers: at any quiet moment
/// consumed = kept + skipped + dead-lettered + returned + in flight.
package struct RecordAccount: Sendable, Hashable {
  package var consumed = 0
  package var kept = 0
  package var skipped = 0
  package var deadLettered = 0
  /// Handed back undone at a rebalance, a seek or a drain; whoever owns the partition next consumes them again.
  package var returned = 0
  package var inFlight = 0

  package init() {}

  /// Records that are in no column, or in two. Other than 0 only while a record moves from one to the other.
  package var missing: Int { consumed - kept - skipped - deadLettered - returned - inFlight }
}
