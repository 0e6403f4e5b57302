import Core
import Synchronization

/// At most `limit` requests of each origin at a time; the rest wait in the order they came.
///
/// Portals are small servers: what one of them gets at once is bounded, whatever the fleet could do.
package final class OriginGate: Sendable {
  private struct Place {
    let permits: Permits
    var users = 0
  }
  /// Of origins that are in use.
  private let places = Mutex<[String: Place]>([:])
  private let limit: Int

  /// - Parameter limit: 0 is no limit.
  package init(limit: Int) { self.limit = limit }

  /// Runs `body` when it is its turn.
  /// - Throws: `CancellationError` when cancelled while waiting, and what `body` throws.
  package func enter<T>(_ key: String, _ body: () async throws -> T) async throws -> T {
    guard limit > 0 else { return try await body() }
    let permits = places.withLock { places in
      var place = places[key] ?? Place(permits: Permits(limit))
      place.users += 1
      places[key] = place
      return place.permits
    }
    defer {
      places.withLock { places in
        places[key]?.users -= 1
        if places[key]?.users == 0 { places[key] = nil }
      }
    }
    guard await permits.acquire() else { throw CancellationError() }
    defer { permits.release() }
    return try await body()
  }
}
