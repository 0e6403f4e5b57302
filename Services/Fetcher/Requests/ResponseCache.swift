import Metrics
import Synchronization

/// The providers' last answers with their validators, bounded by bytes.
///
/// Two generations: a used entry moves to the young one. When that has half of the bytes, it becomes the old one, and
/// the old one is dropped. So entries in use stay, without an ordered list.
package final class ResponseCache: Sendable {
  package struct Entry: Hashable, Sendable {
    package var etag: String?
    package var lastModified: String?
    package var body: [UInt8]

    /// Bytes, with the dictionary's overhead.
    func cost(_ key: String) -> Int {
      body.count + key.utf8.count + (etag?.utf8.count ?? 0) + (lastModified?.utf8.count ?? 0) + 200
    }
  }
  private struct State {
    var young: [String: Entry] = [:]
    var old: [String: Entry] = [:]
    var youngBytes = 0
    var oldBytes = 0
  }
  private let state = Mutex(State())
  private let half: Int
  private let gauge = Gauge(label: "souk_fetch_cache_bytes")

  /// - Parameter maxBytes: 0 disables the cache.
  package init(maxBytes: Int) { half = maxBytes / 2 }

  package var bytes: Int { state.withLock { $0.youngBytes + $0.oldBytes } }

  package subscript(_ url: String) -> Entry? {
    state.withLock { state in
      if let entry = state.young[url] { return entry }
      guard let entry = state.old.removeValue(forKey: url) else { return nil }
      state.oldBytes -= entry.cost(url)
      put(entry, url, &state)
      return entry
    }
  }

  /// Does not keep answers larger than half of the bytes.
  package func keep(_ entry: Entry, of url: String) {
    state.withLock { state in
      remove(url, &state)
      if entry.cost(url) <= half { put(entry, url, &state) }
    }
    gauge.record(bytes)
  }

  package func forget(_ url: String) { state.withLock { remove(url, &$0) } }

  private func put(_ entry: Entry, _ url: String, _ state: inout State) {
    let cost = entry.cost(url)
    if state.youngBytes + cost > half {
      (state.old, state.oldBytes) = (state.young, state.youngBytes)
      (state.young, state.youngBytes) = ([:], 0)
    }
    state.young[url] = entry
    state.youngBytes += cost
  }

  private func remove(_ url: String, _ state: inout State) {
    if let entry = state.young.removeValue(forKey: url) { state.youngBytes -= entry.cost(url) }
    if let entry = state.old.removeValue(forKey: url) { state.oldBytes -= entry.cost(url) }
  }
}
