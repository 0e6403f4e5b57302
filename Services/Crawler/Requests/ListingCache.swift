import HTTP
import Synchronization

/// The last answers with an ETag or a Last-Modified, up to a limit of bytes (0: none); the oldest are dropped first.
final class ListingCache: Sendable {
  struct Validators: Hashable {
    var tag: String?
    var date: String?
  }
  /// Oldest first.
  private let kept = Mutex<[(key: String, response: HTTPResponse)]>([])
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  func validators(of key: String) -> Validators? {
    guard let headers = response(of: key)?.headers else { return nil }
    return Validators(tag: headers["etag"], date: headers["last-modified"])
  }

  func response(of key: String) -> HTTPResponse? { kept.withLock { $0.first { $0.key == key }?.response } }

  func keep(_ response: HTTPResponse, as key: String) {
    let isKept = response.body.count <= limit
      && (response.headers["etag"] != nil || response.headers["last-modified"] != nil)
    kept.withLock { kept in
      kept.removeAll { $0.key == key }
      guard isKept else { return }
      kept.append((key, response))
      var bytes = kept.reduce(0) { $0 + $1.response.body.count }
      while bytes > limit { bytes -= kept.removeFirst().response.body.count }
    }
  }
}
