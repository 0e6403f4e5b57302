import Messages
import Postgres

/// The rows of one message while it is read, after those of earlier messages.
package struct MessageRows: Sendable {
  /// The message's number among the staged ones: joins its rows, and gives the order of arrival.
  package let batch: Int32
  /// One for each staging table of the target.
  package var tables: [BinaryCopyRows]
  /// Staged elements.
  package private(set) var kept = 0
  /// Elements that cannot be stored, ascending, by their index in the message.
  package private(set) var refusals: [Refusal] = []
  /// The header has an effect even without elements.
  package var headerCounts = false

  /// Why one element is not stored.
  package struct Refusal: Hashable, Sendable {
    package let index: Int
    package let failure: DecodingFailure
  }

  package init(batch: Int32, tables: [BinaryCopyRows]) {
    self.batch = batch
    self.tables = tables
  }

  package mutating func keep(_ count: Int = 1) { kept += count }

  package mutating func refuse(_ index: Int, _ failure: DecodingFailure) {
    refusals.append(Refusal(index: index, failure: failure))
  }
}
