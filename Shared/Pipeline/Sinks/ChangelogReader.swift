import Core
import Kafka
import Logging

/// Reads partitions of a changelog, a compacted topic, to their ends: at an assignment they hold all that the previous
/// owner of these partitions had acknowledged.
package struct ChangelogReader: Sendable {
  private let configuration: TableReader.Configuration
  /// Time for one read; beyond it the read counts as an outage and is retried.
  private let limit: Duration

  package init(_ configuration: TableReader.Configuration, limit: Duration = .seconds(60)) {
    self.configuration = configuration
    self.limit = limit
  }

  /// - Parameters:
  ///   - partitions: nil for all.
  ///   - take: is called with every batch, in the order of each partition, before this returns.
  /// - Throws: `ClassifiedError`.
  package func read(_ partitions: Set<Int32>?, _ take: @escaping @Sendable (RecordBatch) -> Void) async throws {
    var configuration = configuration
    configuration.partitions = partitions
    let reader = try TableReader(configuration, apply: take)
    let late = Interruption()
    let clock = Task {
      try await Task.sleep(for: limit)
      late.raise()
    }
    defer { clock.cancel() }
    let isCurrent: Bool
    do {
      isCurrent = try await reader.waitUntilCurrent(orUntil: late)
    } catch {
      await reader.closeAndWait()
      throw error
    }
    await reader.closeAndWait()
    guard isCurrent else {
      throw Failure(.transient, code: "changelog_unread", "\(configuration.topic) could not be read within \(limit)")
    }
  }
}
