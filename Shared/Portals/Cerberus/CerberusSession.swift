import HTML
import HTTP
import Runtime

/// A visit to a Cerberus web portal that stays logged in.
///
/// The shape is documented, never checked live: GET /login has a `<meta name="csrftoken">` and sets the session's
/// cookie; POST /login/user with that token answers 302 when the user is let in and 200, the form again, when not;
/// a session lasts about 30 minutes, after which everything is a redirect to /login. Tokens serve one request: the
/// next one is on the page /file.
package actor CerberusSession {
  /// What a request has to carry.
  package struct Pass: Hashable, Sendable {
    /// The value of the `Cookie` header.
    package let cookie: String
    let madeAt: ContinuousClock.Instant
  }

  package nonisolated let access: CerberusAccess
  /// Sends one request and hands back the answer, redirects included.
  package typealias Send = @Sendable (HTTPRequest) async throws -> HTTPResponse

  private let send: Send
  private let limits: HTTPLimits
  private nonisolated let userAgent: String?
  private let lifetime: Duration
  private var pass: Pass?
  private var login: Task<Pass, any Error>?
  /// How often it logged in.
  package private(set) var logins = 0

  /// - Parameters:
  ///   - limits: of each request; redirects are never followed.
  ///   - userAgent: sent instead of the sender's own.
  ///   - lifetime: after which a session is not used any more; shorter than the portal's own half hour.
  ///   - send: such as `client.execute`, or something that paces and repeats.
  package init(
    _ access: CerberusAccess, limits: HTTPLimits, userAgent: String? = nil, lifetime: Duration = .seconds(25 * 60),
    send: @escaping Send
  ) {
    self.access = access
    self.send = send
    var limits = limits
    // A redirect is an answer here, and it may set the cookie.
    limits.maxRedirects = 0
    self.limits = limits
    self.userAgent = userAgent
    self.lifetime = lifetime
  }

  /// Runs `body` with a session, and once more with a new one when the portal did not know it any more.
  /// - Parameter body: throws `CerberusError` of kind `.sessionExpired` when the answer `isLogin`.
  /// - Throws: `CerberusError`, `HTTPError`, `CancellationError`, what `body` throws.
  package nonisolated func withPass<Value: Sendable>(
    _ body: (Pass) async throws -> Value
  ) async throws -> Value {
    let first = try await enter()
    do {
      return try await body(first)
    } catch let error as CerberusError {
      guard error.kind == .sessionExpired else { throw error }
    }
    await revoke(first)
    return try await body(try await enter())
  }

  /// Whether this is how the portal answers somebody without a session: a redirect to the login page.
  package static func isLogin(_ head: HTTPResponseHead) -> Bool {
    guard (301...308).contains(head.status), let location = head.headers["location"] else { return false }
    let path = location.prefix { $0 != "?" && $0 != "#" }
    return path.split(separator: "/").last?.lowercased() == "login"
  }

  /// - Throws: `CerberusError` when the answer is the way to the login page.
  package static func requireSession(_ head: HTTPResponseHead) throws(CerberusError) {
    guard isLogin(head) else { return }
    throw CerberusError(.sessionExpired, "the portal asks to log in again")
  }

  /// A session in force; callers at the same time share one login.
  package func enter() async throws -> Pass {
    while true {
      if let pass, ContinuousClock.now - pass.madeAt < lifetime { return pass }
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
        // Whoever else waited for it tries again.
        try Task.checkCancellation()
      }
    }
  }

  /// The portal did not know this session: the next request logs in anew.
  package func revoke(_ pass: Pass) {
    if self.pass == pass { self.pass = nil }
  }

  /// What a request to the portal carries.
  package nonisolated func headers(_ pass: Pass) -> HTTPHeaders { headers(cookie: pass.cookie) }

  private nonisolated func headers(cookie: String = "") -> HTTPHeaders {
    var headers = HTTPHeaders()
    headers["User-Agent"] = userAgent
    if !cookie.isEmpty { headers["Cookie"] = cookie }
    return headers
  }

  /// A token for one request, from the page that lists the files.
  package nonisolated func token(_ pass: Pass) async throws -> String {
    let page = try await send(HTTPRequest(
      "GET", try access.url("file"), headers: headers(pass), limits: limits))
    try Self.requireSession(page.head)
    try page.head.requireSuccess()
    return try Self.token(on: page)
  }

  private func logIn() async throws -> Pass {
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
    let pass = Pass(cookie: cookies.header, madeAt: .now)
    self.pass = pass
    return pass
  }

  private func refused() -> CerberusError {
    CerberusError(.loginRefused, "the portal does not let the user '\(access.user)' in (\(access.base))")
  }

  private static func token(on page: HTTPResponse) throws -> String {
    let meta = try HTMLDocument(page.body).first("//meta[@name='csrftoken']")
    guard let token = meta?.attribute("content"), !token.isEmpty else {
      throw CerberusError(.noToken, "no csrftoken on \(page.head.url)")
    }
    return token
  }
}
