import Core
import Foundation

/// A token that another program keeps in a file, without the blanks around it.
package func readToken(_ path: String, flag: String) throws(ObjectStoreError) -> String {
  let bytes: [UInt8]
  do { bytes = try readFile(path, limit: 1 << 20) } catch {
    throw ObjectStoreError(.invalidSetting, "\(flag): \(error.message)")
  }
  let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  guard !text.isEmpty else { throw ObjectStoreError(.invalidSetting, "\(flag): \(path) is empty") }
  return text
}

/// What a service issues for a time.
package struct Issued<Value: Sendable>: Sendable {
  package var value: Value
  /// Seconds since 1970; nil for ever.
  package var expiresAt: Int64?

  package init(_ value: Value, expiresAt: Int64? = nil) {
    self.value = value
    self.expiresAt = expiresAt
  }
}

/// Keeps an issued token or key, and gets a new one before it expires.
package actor Renewal<Value: Sendable> {
  private let now: @Sendable () -> Int64
  /// What is still valid is renewed this long before it expires, or kept when that fails.
  private let margin: Int64
  private var issued: (Issued<Value>, at: Int64)?
  /// No second attempt to renew what is still valid before this.
  private var retryAt: Int64 = .min
  private var fetching: Task<Issued<Value>, any Error>?

  /// - Parameters:
  ///   - margin: seconds.
  ///   - now: seconds since 1970.
  package init(margin: Int64 = 300, now: @escaping @Sendable () -> Int64) {
    self.margin = margin
    self.now = now
  }

  /// - Throws: what `fetch` throws, unless the known one is still taken.
  package func current(_ fetch: @escaping @Sendable () async throws -> Issued<Value>) async throws -> Value {
    if let (known, _) = issued, isFresh(known) { return known.value }
    do {
      return try await renewed(fetch).value
    } catch {
      guard let (known, _) = issued, let expiry = known.expiresAt, expiry > now() + 5 else { throw error }
      retryAt = now() + 30
      return known.value
    }
  }

  /// The service refused one. True when another may be had: one that was fetched only now is wrong, and one that never
  /// expires too.
  package func refused(_ isRefused: @Sendable (Value) -> Bool) -> Bool {
    guard let (known, at) = issued, isRefused(known.value) else { return true }
    guard known.expiresAt != nil, now() - at >= 60 else { return false }
    issued = nil
    return true
  }

  private func isFresh(_ known: Issued<Value>) -> Bool {
    guard let expiry = known.expiresAt else { return true }
    return now() < expiry - margin || now() < min(retryAt, expiry)
  }

  /// One request for all who wait.
  private func renewed(_ fetch: @escaping @Sendable () async throws -> Issued<Value>) async throws -> Issued<Value> {
    if let fetching { return try await fetching.value }
    let task = Task { try await fetch() }
    fetching = task
    defer { fetching = nil }
    let fresh = try await task.value
    issued = (fresh, now())
    return fresh
  }
}
