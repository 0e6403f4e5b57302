import HTTP
import Synchronization

/// The last answers with an ETag or a Last-Modified, up to a limit of bytes (0: none); the oldest are dropped first.
final class ListingCache: Sendable {
  struct Validators: Hashable {
    var tag: String?
    var date: String?
  }
  private struct State {
    var kept: [String: HTTPResponse] = [:]
    /// Keys, oldest first.
    var order: [String] = []
    var bytes = 0
  }
  private let state = Mutex(State())
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  func validators(of key: String) -> Validators? {
    guard let headers = state.withLock({ $0.kept[key]?.headers }) else { return nil }
    return Validators(tag: headers["etag"], date: headers["last-modified"])
  }

  func response(of key: String) -> HTTPResponse? { state.withLock { $0.kept[key] } }

  func keep(_ response: HTTPResponse, as key: String) {
    let isKept = response.body.count <= limit
      && (response.headers["etag"] != nil || response.headers["last-modified"] != nil)
    state.withLock { state in
      if let old = state.kept.removeValue(forKey: key) {
        state.bytes -= old.body.count
        state.order.removeAll { $0 == key }
      }
      guard isKept else { return }
      state.kept[key] = response
      state.order.append(key)
      state.bytes += response.body.count
      while state.bytes > limit, !state.order.isEmpty {
        let oldest = state.order.removeFirst()
        state.bytes -= state.kept.removeValue(forKey: oldest)?.body.count ?? 0
      }
    }
  }
}
