import Core

/// What to send. A value: the same request can be sent again.
package struct HTTPRequest: Sendable {
  package enum Body: Sendable {
    case none
    case bytes([UInt8])
    /// `length` bytes of an open file from `offset`, read with `pread` (the file position is not used). The
    /// descriptor has to stay open until the request ends.
    case file(descriptor: Int32, offset: Int, length: Int)

    package var length: Int {
      switch self {
      case .none: 0
      case .bytes(let bytes): bytes.count
      case .file(_, _, let length): length
      }
    }
  }

  package var method: String
  package var url: HTTPURL
  package var headers: HTTPHeaders
  package var body: Body
  package var limits: HTTPLimits
  /// Set by `stream(_: FTPRequest)`: the transfer goes by FTP instead.
  var ftp: FTPRequest?

  package init(
    _ method: String = "GET", _ url: HTTPURL, headers: HTTPHeaders = [:], body: Body = .none,
    limits: HTTPLimits = HTTPLimits()
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.limits = limits
  }
}

/// How long, how much and how far one request may go. Every limit is in force on every hop; time and redirects
/// are counted over all of them.
package struct HTTPLimits: Sendable, Hashable {
  /// Name lookup, TCP and TLS of one hop.
  package var connectTime: Duration
  /// From the first connect to the last byte. Waiting for a turn at a busy host does not count.
  package var totalTime: Duration
  /// A transfer that stays under `lowSpeed` bytes a second for `lowSpeedTime` is ended. The wait for the answer's
  /// first byte does not count. 0 turns it off.
  package var lowSpeed: Int
  package var lowSpeedTime: Duration
  package var maxBodyBytes: Int
  package var maxHeaderBytes: Int
  /// 0: a redirect is handed back as the answer it is.
  package var maxRedirects: Int
  /// What may wait in memory for a slow consumer before the sender is made to wait.
  package var bufferBytes: Int
  /// The most that is read or sent at once: each transfer in flight has buffers of this size.
  package var maxPieceBytes: Int

  /// libcurl reads 16 KiB at least.
  var pieceBytes: Int { min(maxPieceBytes, max(16 << 10, bufferBytes)) }

  package init(
    connectTime: Duration = .seconds(10), totalTime: Duration = .seconds(300), lowSpeed: Int = 1024,
    lowSpeedTime: Duration = .seconds(30), maxBodyBytes: Int = 16 << 20, maxHeaderBytes: Int = 64 << 10,
    maxRedirects: Int = 5, bufferBytes: Int = 1 << 20, maxPieceBytes: Int = 128 << 10
  ) {
    self.connectTime = connectTime
    self.totalTime = totalTime
    self.lowSpeed = lowSpeed
    self.lowSpeedTime = lowSpeedTime
    self.maxBodyBytes = maxBodyBytes
    self.maxHeaderBytes = maxHeaderBytes
    self.maxRedirects = maxRedirects
    self.bufferBytes = bufferBytes
    self.maxPieceBytes = maxPieceBytes
  }
}

extension HTTPRequest {
  /// A POST of form fields, as `application/x-www-form-urlencoded`: everything but RFC 3986's unreserved characters
  /// is percent-encoded, blanks included.
  package static func form(
    _ url: HTTPURL, _ fields: [(name: String, value: String)], headers: HTTPHeaders = [:],
    limits: HTTPLimits = HTTPLimits()
  ) -> HTTPRequest {
    let body = fields.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }
      .joined(separator: "&")
    var headers = headers
    headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
    return HTTPRequest("POST", url, headers: headers, body: .bytes(Array(body.utf8)), limits: limits)
  }
}
