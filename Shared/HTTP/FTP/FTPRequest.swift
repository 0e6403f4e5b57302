import CCurl

/// What to ask of an FTP server.
package struct FTPRequest: Sendable {
  package enum Action: Sendable, Hashable {
    /// The bytes of a file.
    case retrieve
    /// The entries of a folder with their facts, one a line (MLSD, RFC 3659).
    case listFacts
    /// The names in a folder, one a line (NLST).
    case listNames
  }

  /// Never printed.
  package struct Login: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    package let user: String
    package let password: String

    package init(user: String, password: String) {
      self.user = user
      self.password = password
    }

    package var description: String { "***" }
    package var debugDescription: String { "***" }
    /// A line break would begin a command of its own.
    var isSafeToSend: Bool { (user + password).utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f } }
  }

  package var action: Action
  package var url: FTPURL
  /// Nil: anonymous.
  package var login: Login?
  package var limits: HTTPLimits

  package init(_ action: Action, _ url: FTPURL, login: Login? = nil, limits: HTTPLimits = HTTPLimits()) {
    self.action = action
    self.url = url
    self.login = login
    self.limits = limits
  }
}

extension HTTPClient {
  /// Carries out `request` and hands what comes over the data connection to `consume` as it arrives, within the same
  /// limits, address checks and places per host as `stream(_:_:)`.
  ///
  /// The data connection goes to the address that the server names (PASV): servers behind a balancer need that. It
  /// is checked like every other address. A file is complete when the server says so and the size it announced,
  /// if any, was received.
  /// - Throws: `HTTPError`, `CancellationError`, what `consume` throws.
  package func stream<T: Sendable>(_ request: FTPRequest, _ consume: (HTTPBody) async throws -> T) async throws -> T {
    guard request.url.isFolder == (request.action != .retrieve) else {
      throw HTTPError(.urlRefused, "a file's URL cannot end in a slash, a folder's must", url: request.url.location)
    }
    var plan = HTTPRequest("FTP", request.url.location, limits: request.limits)
    plan.limits.maxRedirects = 0
    plan.ftp = request
    return try await stream(plan) { _, body in try await consume(body) }
  }
}

extension Transfer {
  /// What makes a transfer one by FTP.
  /// - Parameter timeLeft: of the request; a server may take as long to answer a command.
  static func setFTP(_ easy: EasyHandle, _ request: FTPRequest, timeLeft: Duration) -> CURLcode {
    let security = request.url.requiresTLS ? CURLUSESSL_ALL : CURLUSESSL_NONE
    var results = [
      curl_set_string(easy, CURLOPT_PROTOCOLS_STR, "ftp"),
      curl_set_long(easy, CURLOPT_USE_SSL, Int(security.rawValue)),
      // The address of the data connection is the one the server names: see `openSocket` for its check.
      curl_set_long(easy, CURLOPT_FTP_USE_EPSV, 0),
      curl_set_long(easy, CURLOPT_FTP_SKIP_PASV_IP, 0),
      curl_set_off(easy, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(min(request.limits.maxBodyBytes, 1 << 62))),
      curl_set_long(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, max(1, Int(timeLeft.components.seconds))),
      // A proxy that speaks HTTP would make a web page of a folder.
      curl_set_long(easy, CURLOPT_HTTPPROXYTUNNEL, 1),
    ]
    if let login = request.login {
      guard login.isSafeToSend else { return CURLE_LOGIN_DENIED }
      results += [
        curl_set_string(easy, CURLOPT_USERNAME, login.user), curl_set_string(easy, CURLOPT_PASSWORD, login.password),
      ]
    }
    switch request.action {
    case .retrieve: break
    case .listFacts: results.append(curl_set_string(easy, CURLOPT_CUSTOMREQUEST, "MLSD"))
    case .listNames: results.append(curl_set_long(easy, CURLOPT_DIRLISTONLY, 1))
    }
    return results.first { $0 != CURLE_OK } ?? CURLE_OK
  }
}
