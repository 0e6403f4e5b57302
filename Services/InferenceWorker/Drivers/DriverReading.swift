import Kafka
import Runtime
import Schemas

/// Follows the topic of drivers into a table.
final class DriverReading: Sendable {
  let table: DriverTable
  private let reader: TableReader

  /// - Parameter limit: values kept per series.
  init(_ configuration: TableReader.Configuration, limit: Int) throws {
    let table = DriverTable(limit: limit)
    var configuration = configuration
    // Prices older than the topic's retention come from the changelog of windows.
    configuration.isTrimmed = true
    self.table = table
    reader = try TableReader(configuration) { table.take($0) }
  }

  /// Waits until all records that existed at the start are read.
  /// - Returns: false when the service drains first.
  /// - Throws: a `ClassifiedError` of class `configuration` or `fatal`.
  func waitUntilCurrent(orUntil drain: Interruption) async throws -> Bool {
    try await reader.waitUntilCurrent(orUntil: drain)
  }

  /// The error that ended the reading; nil while it runs or after `close`.
  var failure: (any ClassifiedError)? {
    if case .failed(let error) = reader.state { return error }
    return nil
  }

  func waitUntilEnded() async { await reader.waitUntilEnded() }

  func close() async { await reader.closeAndWait() }
}
