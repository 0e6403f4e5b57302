import Schemas

/// Remembers what was published last of every series.
package protocol StateStore: Sendable {
  /// - Throws: `RedisError`.
  func last(_ key: SeriesStateKey) async throws -> SeriesState?

  /// Remembers `state` unless something of a later time is remembered already; in one step, whoever else does the same.
  /// - Returns: whether it was remembered.
  /// - Throws: `RedisError`; nobody knows then whether it was.
  func record(_ state: SeriesState, _ key: SeriesStateKey) async throws -> Bool

  func check() async throws
}

/// `price:<country>:<material>` or `demand:<country>:<material>`, in routing words.
package struct SeriesStateKey: Hashable, Sendable, CustomStringConvertible {
  package let text: String

  package init(_ kind: SeriesKind, _ series: RoutingKey) {
    text = "\(kind.rawValue):\(series.country):\(series.material)"
  }

  package var description: String { text }
}
