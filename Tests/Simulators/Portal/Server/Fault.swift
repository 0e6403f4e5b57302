import Runtime

/// A way for the portal to misbehave, and where.
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
    /// 200 with a listing nobody has documented: other JSON, a page without a table.
    case unknownShape = "unknown-shape"
    /// A table with one column more, at its start, than is documented.
    case unknownColumn = "unknown-column"
    /// A table without its column of times.
    case missingColumn = "missing-column"
    /// A listing on several pages that says nothing of the others.
    case noPager = "no-pager"
    /// A file whose gzip stream is damaged in the middle.
    case brokenGzip = "broken-gzip"
    /// A ZIP, whatever the name says.
    case zipped
    /// The session is not known any more: a redirect to the login page.
    case expiredSession = "expired-session"
  }

  package enum Target: String, Hashable, Sendable, CaseIterable { case any, listing, resolver, download, login }

  package var mode: Mode
  package var target: Target
  /// The prefix of the chain it befalls; nil means all.
  package var prefix: String?
  /// How many requests it befalls; nil means until it is cleared.
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
    var rest = Substring(text)
    var times: Int?
    if let star = rest.lastIndex(of: "*") {
      guard let count = Int(rest[rest.index(after: star)...]), count > 0 else {
        throw Failure(.configuration, code: "bad_fault", "fault '\(text)': what follows * must be a number above 0")
      }
      times = count
      rest = rest[..<star]
    }
    var prefix: String?
    if let slash = rest.firstIndex(of: "/") {
      prefix = String(rest[rest.index(after: slash)...])
      rest = rest[..<slash]
    }
    var target = Target.any
    if let at = rest.firstIndex(of: "@") {
      let word = rest[rest.index(after: at)...]
      guard let known = Target(rawValue: String(word)) else {
        throw Failure(
          .configuration, code: "bad_fault",
          "fault '\(text)': '\(word)' is not one of \(Target.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      target = known
      rest = rest[..<at]
    }
    guard let mode = Mode(rawValue: String(rest)) else {
      throw Failure(
        .configuration, code: "bad_fault",
        "fault '\(text)': '\(rest)' is not one of \(Mode.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    self.init(mode, on: target, prefix: prefix, times: times)
  }
}
