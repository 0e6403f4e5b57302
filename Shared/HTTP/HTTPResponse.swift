/// The status and headers of an answer, before its body.
package struct HTTPResponseHead: Sendable, Hashable {
  package var status: Int
  package var headers: HTTPHeaders
  /// Where the answer came from: the last hop.
  package var url: HTTPURL

  package init(status: Int, headers: HTTPHeaders, url: HTTPURL) {
    self.status = status
    self.headers = headers
    self.url = url
  }

  package var isSuccess: Bool { (200...299).contains(status) }

  /// The declared length of the body, if there is one and it is a number.
  package var contentLength: Int? { headers["content-length"].flatMap { Int($0) } }

  /// The error that a status outside 200...299 is, `Retry-After` included.
  package func requireSuccess() throws(HTTPError) {
    guard !isSuccess else { return }
    throw HTTPError(
      .status(status), "the server answered \(status)", url: url,
      retryAfter: headers["retry-after"].flatMap { RetryAfter.delay($0) })
  }
}

/// An answer whose body was collected in memory.
package struct HTTPResponse: Sendable {
  package var head: HTTPResponseHead
  package var body: [UInt8]

  package var status: Int { head.status }
  package var headers: HTTPHeaders { head.headers }
  package var text: String { String(decoding: body, as: UTF8.self) }
}
