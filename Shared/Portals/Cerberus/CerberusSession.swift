import Core
import HTML
import HTTP

/// A logged-in session with a Cerberus web portal.
///
/// The protocol is documented, but was never checked against a live portal: GET /login has a `<meta name="csrftoken">`
/// and sets the session cookie; POST /login/user with that token answers 302 to a valid login and 200, the form again,
/// to an invalid one; a session lasts about 30 minutes, after which every request is redirected to /login. A token
/// serves one request; the next one is on the page /file.
package actor CerberusSession {
  /// The session's cookie, which every request carries.
  package struct Cookie: Hashable, Sendable {
    /// Of the `Cookie` header.
    package let value: String
    let madeAt: ContinuousClock.Instant
  }

  package nonisolated let access: CerberusAccess
  /// Sends one request and returns the response, redirects included.
  package typealias Send = @Sendable (HTTPRequest) async throws -> HTTPResponse

  private let send: Send
  private let limits: HTTPLimits
  private nonisolated let userAgent: String?
  private let lifetime: Duration
  private var cookie: Cookie?
  private var login: Task<Cookie, any Error>?
  /// Number of logins.
  package private(set) var logins = 0

  /// - Parameters:
  ///   - limits: of each request; redirects are never followed.
  ///   - userAgent: sent instead of the sender's own.
  ///   - lifetime: how long a session is used; shorter than the portal's half hour.
  ///   - send: such as `client.execute`, or a function that paces and retries.
  package init(
    _ access: CerberusAccess, limits: HTTPLimits, userAgent: String? = nil, lifetime: Duration = .seconds(25 * 60),
    send: @escaping Send
  ) {
    self.access = access
    self.send = send
    var limits = limits
    // A redirect is a result here, and it may set the cookie.
    limits.maxRedirects = 0
    self.limits = limits
    self.userAgent = userAgent
    self.lifetime = lifetime
  }

  /// Runs `body` with a session, and once more with a new one when the portal has expired the first.
  /// - Parameter body: throws `CerberusError` of kind `.sessionExpired` when the response `isLogin`.
  /// - Throws: `CerberusError`, `HTTPError`, `CancellationError`, what `body` throws.
  package nonisolated func withSession<Value: Sendable>(_ body: (Cookie) async throws -> Value) async throws -> Value {
    let first = try await open()
    do {
      return try await body(first)
    } catch let error as CerberusError {
      guard error.kind == .sessionExpired else { throw error }
    }
    await discard(first)
    return try await body(try await open())
  }

  /// True for a redirect to the login page, the portal's response to a request without a session.
  package static func isLogin(_ head: HTTPResponseHead) -> Bool {
    guard (301...308).contains(head.status), let location = head.headers["location"] else { return false }
    let path = location.prefix { $0 != "?" && $0 != "#" }
    return path.split(separator: "/").last?.lowercased() == "login"
  }

  /// - Throws: `CerberusError` when the response redirects to the login page.
  package static func requireSession(_ head: HTTPResponseHead) throws(CerberusError) {
    guard isLogin(head) else { return }
    throw CerberusError(.sessionExpired, "the portal asks to log in again")
  }

  /// The current session; concurrent callers share one login.
  package func open() async throws -> Cookie {
    while true {
      if let cookie, ContinuousClock.now - cookie.madeAt < lifetime { return cookie }
      let login = self.login ?? Task { try await self.logIn() }
      self.login = login
      let result = await withTaskCancellationHandler {
        await login.result
      } onCancel: {
        login.cancel()
      }
      do {
        return try result.get()
      } catch is CancellationError {
        // Another caller was cancelled; this one tries again.
        try Task.checkCancellation()
      }
    }
  }

  /// Discards a session that the portal has expired; the next request logs in again.
  package func discard(_ cookie: Cookie) {
    if self.cookie == cookie { self.cookie = nil }
  }

  /// The headers of a request to the portal.
  package nonisolated func headers(_ cookie: Cookie) -> HTTPHeaders { headers(cookie: cookie.value) }

  private nonisolated func headers(cookie: String = "") -> HTTPHeaders {
    var headers = HTTPHeaders()
    headers["User-Agent"] = userAgent
    if !cookie.isEmpty { headers["Cookie"] = cookie }
    return headers
  }

  /// A token for one request, from the page that lists the files.
  package nonisolated func token(_ cookie: Cookie) async throws -> String {
    let page = try await send(HTTPRequest(
      "GET", try access.url("file"), headers: headers(cookie), limits: limits))
    try Self.requireSession(page.head)
    try page.head.requireSuccess()
    return try Self.token(on: page)
  }

  private func logIn() async throws -> Cookie {
    logins += 1
    defer { login = nil }
    let form = try await send(HTTPRequest(
      "GET", try access.url("login"), headers: headers(), limits: limits))
    try form.head.requireSuccess()
    var cookies = Cookies()
    cookies.take(form.headers)
    let answer = try await send(.form(
      try access.url("login/user"),
      [
        ("r", ""), ("username", access.user), ("password", try access.password?.resolve() ?? ""), ("Submit", "Sign in"),
        ("csrftoken", try Self.token(on: form)),
      ],
      headers: headers(cookie: cookies.header), limits: limits))
    cookies.take(answer.headers)
    guard (300...399).contains(answer.status) else {
      try answer.head.requireSuccess()
      throw refused()
    }
    if Self.isLogin(answer.head) { throw refused() }
    let cookie = Cookie(value: cookies.header, madeAt: .now)
    self.cookie = cookie
    return cookie
  }

  private func refused() -> CerberusError {
    CerberusError(.loginRefused, "the portal refuses the login of the user '\(access.user)' (\(access.base))")
  }

  private static func token(on page: HTTPResponse) throws -> String {
    let meta = try HTMLDocument(page.body).first("//meta[@name='csrftoken']")
    guard let token = meta?.attribute("content"), !token.isEmpty else {
      throw CerberusError(.noToken, "no csrftoken on \(page.head.url)")
    }
    return token
  }
}

/// The cookies of one session with one host: names and values. Paths and ages do not matter within half an hour.
struct Cookies {
  private var values: [(name: String, value: String)] = []

  /// Stores every `Set-Cookie` of a response; a later value replaces an earlier one of the same name.
  mutating func take(_ headers: HTTPHeaders) {
    for line in headers.all("set-cookie") {
      let pair = line.prefix { $0 != ";" }
      guard let equals = pair.firstIndex(of: "=") else { continue }
      let name = pair[..<equals].filter { $0 != " " }
      guard !name.isEmpty else { continue }
      values.removeAll { $0.name == name }
      values.append((String(name), String(pair[pair.index(after: equals)...])))
    }
  }

  /// The value of the `Cookie` header.
  var header: String { values.map { "\($0.name)=\($0.value)" }.joined(separator: "; ") }
}

/// An error of a Cerberus web portal above HTTP.
package typealias CerberusError = CodedError<CerberusErrorKind>

package enum CerberusErrorKind: String, ErrorKind {
  /// The portal refuses the user and password; the operator has to change them.
  case loginRefused = "login_refused"
  /// The portal no longer knows the session, and a new login did not help.
  case sessionExpired = "session_expired"
  /// A page lacks the token for the next request.
  case noToken = "login_page_changed"

  package var errorClass: ErrorClass {
    switch self {
    case .loginRefused: .configuration
    case .sessionExpired: .transient
    case .noToken: .data
    }
  }
}

/// The address and login of a Cerberus web portal. One host serves a dozen chains; the user decides which chain's files
/// it shows.
package struct CerberusAccess: Hashable, Sendable {
  /// Ends in a slash, so that relative references stay below it.
  package let base: HTTPURL
  package let user: String
  /// Many portals have none.
  package let password: Secret?
  /// Begins with a slash and does not end in one; empty for the root. One chain keeps its files in a folder.
  package let folder: String

  /// - Parameters:
  ///   - address: such as `https://url.publishedprices.co.il`.
  ///   - folder: such as `/` or `/Yuda`.
  /// - Throws: a configuration `Failure` for an address, a user or a folder that cannot be used.
  package init(address: String, user: String, password: Secret? = nil, folder: String = "/") throws(Failure) {
    do {
      base = try HTTPURL(address.hasSuffix("/") ? address : address + "/")
    } catch {
      throw Failure(.configuration, code: "bad_portal", "no usable address of a Cerberus portal: \(error)")
    }
    guard !user.isEmpty else {
      throw Failure(.configuration, code: "bad_portal", "a Cerberus portal needs a user: \(base)")
    }
    let parts = folder.split(separator: "/")
    guard parts.allSatisfy({ $0 != "." && $0 != ".." }) else {
      throw Failure(.configuration, code: "bad_portal", "not a folder of a Cerberus portal: '\(folder)'")
    }
    self.user = user
    self.password = password
    self.folder = parts.map { "/\($0)" }.joined()
  }

  /// From a chain of the catalogue.
  package init(_ chain: Chain) throws(Failure) {
    try self.init(address: chain.locator, user: chain.user ?? "", password: chain.password, folder: chain.path ?? "/")
  }

  package func url(_ relative: String) throws(HTTPError) -> HTTPURL { try base.resolving(relative) }

  /// The download link of a file in the folder; it needs a session.
  /// - Parameter fileName: letters, digits, dashes and dots, per the grammar of price file names.
  package func link(toFile fileName: String) throws(HTTPError) -> HTTPURL { try url("file/d\(folder)/\(fileName)") }
}
