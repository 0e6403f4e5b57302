import Core
import SimulatorServer

/// A fault of the portal, and the requests it applies to.
package struct Fault: Hashable, Sendable {
  package enum Mode: String, Hashable, Sendable, CaseIterable {
    /// 429 with Retry-After.
    case rateLimit = "rate-limit"
    /// 500 with a short page.
    case serverError = "server-error"
    /// The right answer, a few bytes at a time.
    case slow
    /// The right Content-Length, half of the bytes, then the connection closes.
    case truncated
    /// 200 with an HTML login page.
    case loginPage = "login-page"
    /// 200 with a listing of nothing, in the chain's shape.
    case emptyListing = "empty-listing"
    /// 403, as links that carry a signature answer after their time.
    case expiredLink = "expired-link"
    /// 200 with a listing of an unknown form: other JSON, a page without a table.
    case unknownShape = "unknown-shape"
    /// A table with one column more, at its start, than is documented.
    case unknownColumn = "unknown-column"
    /// A table without its column of times.
    case missingColumn = "missing-column"
    /// A listing on several pages without links to the others.
    case noPager = "no-pager"
    /// A file whose gzip stream is damaged in the middle.
    case brokenGzip = "broken-gzip"
    /// A ZIP under any name.
    case zipped
    /// The session has expired: a redirect to the login page.
    case expiredSession = "expired-session"
  }

  package enum Target: String, Hashable, Sendable, CaseIterable { case any, listing, resolver, download, login }

  package var mode: Mode
  package var target: Target
  /// The prefix of the chain it applies to; nil means all.
  package var prefix: String?
  /// How many requests it applies to; nil means until it is cleared.
  package var remaining: Int?
  /// What a 429 asks for, in seconds.
  package var retryAfter: Int

  package init(
    _ mode: Mode, on target: Target = .any, prefix: String? = nil, times: Int? = nil, retryAfter: Int = 1
  ) {
    self.mode = mode
    self.target = target
    self.prefix = prefix
    remaining = times
    self.retryAfter = retryAfter
  }

  /// `mode[@target][/prefix][*times]`, e.g. `rate-limit@download*3`, `login-page@listing/carmelmarket`.
  package init(text: String) throws(Failure) {
    let written = try FaultText(text)
    guard written.value == nil else { throw written.wrong("a fault of the portal has no value") }
    self.init(
      try written.one(of: Mode.self, written.mode), on: try written.target.map { (word) throws(Failure) in
        try written.one(of: Target.self, word)
      } ?? .any, prefix: written.prefix.map(String.init), times: written.times)
  }
}
