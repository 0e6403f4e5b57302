import Kafka
import Runtime
import Schemas

/// Keeps the table of drivers as the topic has it.
final class DriverReading: Sendable {
  let table: DriverTable
  private let reader: TableReader

  /// - Parameter limit: values kept of each series.
  init(_ configuration: TableReader.Configuration, limit: Int) throws {
    let table = DriverTable(limit: limit)
    var configuration = configuration
    // Older prices than the topic keeps come from the changelog of windows.
    configuration.isTrimmed = true
    self.table = table
    reader = try TableReader(configuration) { table.take($0) }
  }

  /// Waits until all that was there at the start is known.
  /// - Returns: false when it was asked to drain before.
  /// - Throws: a `ClassifiedError` of class `configuration` or `fatal`.
  func waitUntilCurrent(orUntil drain: Interruption) async throws -> Bool {
    try await reader.waitUntilCurrent(orUntil: drain)
  }

  /// Why reading ended, if it was not closed.
  var failure: (any ClassifiedError)? {
    if case .failed(let error) = reader.state { return error }
    return nil
  }

  func waitUntilEnded() async { await reader.waitUntilEnded() }

  func close() async { await reader.closeAndWait() }
}
