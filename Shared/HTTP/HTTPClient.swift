import CCurl
import Core
import Glibc

/// HTTP/1.1 and HTTP/2 over libcurl: reused connections, every limit explicit, no thread per request.
///
/// One client has one thread and one connection pool, however many requests are in flight. Bodies are never
/// decoded (`Content-Encoding` stays as sent), because a price file has to be stored as it was published.
/// Cancelling the calling task aborts the transfer.
package final class HTTPClient: Sendable {
  package let configuration: HTTPConfiguration
  private let loop: TransferLoop
  private let gate: OriginGate

  /// - Throws: `HTTPError` when the certificate file cannot be read or libcurl does not start.
  package init(_ configuration: HTTPConfiguration) throws(HTTPError) {
    if let file = configuration.certificateAuthorityFile, let failure = FileAccess.failure(file) {
      let isSetting = ErrorClass(ofSetting: failure) == .configuration
      throw HTTPError(
        isSetting ? .certificateAuthorityUnreadable : .connectFailed,
        "cannot read the certificate file \(file): \(String(cString: strerror(failure)))")
    }
    self.configuration = configuration
    loop = try TransferLoop(configuration)
    gate = OriginGate(limit: configuration.maxPerOrigin)
  }

  deinit { loop.stop() }

  /// Ends every transfer with `client_closed`; requests made later get the same.
  package func close() { loop.stop() }

  /// Sends `request` and collects the answer's body, whatever its status (`requireSuccess()` turns a bad one into
  /// its error).
  /// - Throws: `HTTPError`, `CancellationError`.
  package func execute(_ request: HTTPRequest) async throws -> HTTPResponse {
    try await stream(request) { head, body in
      var bytes: [UInt8] = []
      while let chunk = try await body.next() {
        if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
      }
      return HTTPResponse(head: head, body: bytes)
    }
  }

  /// Sends `request` and hands the answer to `consume` as it arrives, in memory bounded by
  /// `limits.bufferBytes` twice over: a consumer that is slow makes the server wait.
  ///
  /// What `consume` leaves unread is given up with the connection. When this returns or throws, the request's
  /// body (an open file) is no longer in use.
  /// - Throws: `HTTPError`, `CancellationError`, what `consume` throws.
  package func stream<T: Sendable>(
    _ request: HTTPRequest, _ consume: (HTTPResponseHead, HTTPBody) async throws -> T
  ) async throws -> T {
    var request = request
    var timeLeft = request.limits.totalTime
    var hops = 0
    while true {
      let hop = request
      let limit = timeLeft
      let count = hops
      let (outcome, spent) = try await gate.enter(hop.url.origin) {
        let start = ContinuousClock.now
        let outcome = try await perform(hop, timeLeft: limit) { head, body -> Hop<T> in
          switch try Redirect.decide(hop, head, hops: count) {
          case .stay:
            return .answer(try await consume(head, body))
          case .follow(let target):
            try await Self.skim(body)
            return .redirect(target)
          }
        }
        return (outcome, ContinuousClock.now - start)
      }
      switch outcome {
      case .answer(let value):
        return value
      case .redirect(let target):
        hops += 1
        timeLeft -= spent
        guard timeLeft > .zero else {
          throw HTTPError(.timedOut, "not done after \(request.limits.totalTime), over \(hops) redirects", url: target)
        }
        request = Redirect.next(request, to: target)
      }
    }
  }

  private enum Hop<T: Sendable>: Sendable {
    case answer(T)
    case redirect(HTTPURL)
  }

  /// Reads the short body of a redirect, so that its connection can be used again; a long one costs more than a
  /// new connection.
  private static func skim(_ body: HTTPBody) async throws {
    while body.receivedCount < 32 << 10 {
      guard try await body.next() != nil else { return }
    }
  }

  private func perform<T: Sendable>(
    _ request: HTTPRequest, timeLeft: Duration, _ consume: (HTTPResponseHead, HTTPBody) async throws -> T
  ) async throws -> T {
    try Task.checkCancellation()
    try refuseLiteralBehindProxy(request.url)
    let id = loop.newID()
    let body = HTTPBody(capacity: request.limits.bufferBytes) { [loop] in loop.resume(id) }
    loop.start(Transfer(id: id, request: request, configuration: configuration, timeLeft: timeLeft, body: body))
    return try await withTaskCancellationHandler {
      let result: Result<T, any Error>
      do {
        result = .success(try await consume(try await body.waitForHead(), body))
      } catch {
        result = .failure(error)
      }
      loop.cancel(id)
      // libcurl may be reading the request's file until it says that it has ended.
      await body.waitForEnd()
      return try result.get()
    } onCancel: {
      loop.cancel(id)
    }
  }

  /// Behind a proxy the addresses of names are not visible; an address in the URL itself is.
  private func refuseLiteralBehindProxy(_ url: HTTPURL) throws(HTTPError) {
    guard configuration.proxy != nil, let address = IPAddress(url.host),
          let refusal = configuration.addresses.refusal(of: address) else { return }
    throw HTTPError(.addressRefused, "\(address) is a \(refusal) address", url: url)
  }
}

/// What is the same for every request of a client.
package struct HTTPConfiguration: Sendable, Hashable {
  package enum Protocols: Sendable, Hashable {
    /// HTTP/1.1 only: for few large bodies, where HTTP/2 gains nothing and a slow consumer of one would stall the
    /// others of its connection.
    case http1
    /// HTTP/2 where a TLS server offers it, many requests over each connection; for many small bodies.
    case http2
  }

  package var addresses: AddressPolicy
  package var userAgent: String
  /// A file of PEM certificates to trust instead of the system's.
  package var certificateAuthorityFile: String?
  /// `http://host:port`. The proxy then resolves and connects: the address policy sees only the proxy, which has
  /// to refuse private addresses itself.
  package var proxy: String?
  /// Requests in flight to one origin; more wait their turn. 0 is no limit.
  package var maxPerOrigin: Int
  package var protocols: Protocols
  /// Idle connections that are kept for reuse, over all hosts: as many as requests are in flight, or most of them are
  /// closed and opened again.
  package var maxIdleConnections: Int
  /// Shown as the name of the client's thread.
  package var name: String

  package init(
    addresses: AddressPolicy = AddressPolicy(), userAgent: String, certificateAuthorityFile: String? = nil,
    proxy: String? = nil, maxPerOrigin: Int = 0, protocols: Protocols = .http1, maxIdleConnections: Int = 256,
    name: String = "http"
  ) {
    self.addresses = addresses
    self.userAgent = userAgent
    self.certificateAuthorityFile = certificateAuthorityFile
    self.proxy = proxy
    self.maxPerOrigin = maxPerOrigin
    self.protocols = protocols
    self.maxIdleConnections = maxIdleConnections
    self.name = name
  }
}

/// libcurl's process-wide state, set up once.
enum CurlLibrary {
  private static let result: CURLcode = {
    // OpenSSL writes to sockets without MSG_NOSIGNAL: a peer that hangs up must be an error, not our end.
    signal(SIGPIPE, SIG_IGN)
    return curl_global_init(Int(CURL_GLOBAL_DEFAULT))
  }()

  static func start() throws(HTTPError) {
    guard result == CURLE_OK else {
      throw HTTPError(.internalFailure, "libcurl does not start: \(String(cString: curl_easy_strerror(result)))")
    }
  }
}

enum FileAccess {
  /// Why the file cannot be read, as `errno`; nil when it can.
  static func failure(_ path: String) -> Int32? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return errno }
    close(descriptor)
    return nil
  }

  /// Whether the process or the machine can open nothing more just now.
  static var isOutOfDescriptors: Bool { failure("/dev/null").map { ErrorClass(ofSetting: $0) == .transient } ?? false }
}
