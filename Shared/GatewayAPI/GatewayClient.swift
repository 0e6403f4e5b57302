import Core
import Foundation
import HTTP

/// The API of a gateway with types: what its OpenAPI document calls `latestTicks` is `latestTicks` here, and so on for
/// each operation. Times are RFC 3339 texts, as exact as the gateway sends them.
///
/// Every call throws a `Failure` with the code and the detail of a refusal (transient from status 500 on), or an
/// `HTTPError` when the gateway does not answer.
package struct GatewayClient: Sendable {
  private let http: HTTPClient
  private let base: String
  private let token: String?

  /// - Parameter base: `http://localhost:8000`; it is the operator's, so private addresses are fine.
  /// - Throws: `HTTPError`.
  package init(_ base: String, token: String? = nil) throws {
    var base = base
    while base.hasSuffix("/") { base.removeLast() }
    (self.base, self.token) = (base, token)
    http = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk/\(Souk.version)", name: "gateway"))
  }

  package func close() { http.close() }

  /// Which page of an answer: `[start, end)`, or what follows a cursor.
  package struct Page: Sendable {
    package var start, end, cursor: String?
    package var limit: Int?

    package init(start: String? = nil, end: String? = nil, limit: Int? = nil, cursor: String? = nil) {
      (self.start, self.end, self.limit, self.cursor) = (start, end, limit, cursor)
    }

    fileprivate var query: [(String, String?)] {
      [("start", start), ("end", end), ("limit", limit.map { "\($0)" }), ("cursor", cursor)]
    }
  }

  // MARK: - the wire

  private func url(_ path: [String], _ query: [(String, String?)]) throws -> HTTPURL {
    let pairs = query.compactMap { name, value in value.map { "\(name)=\(PercentEncoding.encode($0))" } }
    return try HTTPURL(
      "\(base)/api/v1/" + path.map { PercentEncoding.encode($0) }.joined(separator: "/")
        + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")))
  }

  private func request(_ method: String, _ url: HTTPURL) -> HTTPRequest {
    var request = HTTPRequest(method, url)
    request.limits.totalTime = .seconds(30)
    if let token { request.headers["Authorization"] = "Bearer \(token)" }
    return request
  }

  /// - Returns: the body; empty for an answer without one.
  func send(
    _ method: String, _ path: [String], _ query: [(String, String?)] = [], _ body: [UInt8]? = nil
  ) async throws -> [UInt8] {
    var request = request(method, try url(path, query))
    if let body {
      request.body = .bytes(body)
      request.headers["Content-Type"] = "application/json"
    }
    let answer = try await http.execute(request)
    guard (200..<300).contains(answer.head.status) else { throw refusal(answer.head.status, answer.body) }
    return answer.body
  }

  private func refusal(_ status: Int, _ body: [UInt8]) -> Failure {
    struct Problem: Decodable { var code, detail: String }
    let problem = try? JSONDecoder().decode(Problem.self, from: Data(body))
    return Failure(
      status >= 500 ? .transient : .data, code: problem?.code ?? "gateway_refused",
      "\(base) answers \(status): \(problem?.detail ?? "nothing more")")
  }

  static func read<Content: Decodable>(_ json: [UInt8]) throws -> Content {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do { return try decoder.decode(Content.self, from: Data(json)) } catch {
      throw Failure(.data, code: "gateway_answer", "the gateway's answer is not what its API says: \(error)")
    }
  }

  static func write(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return Array(try encoder.encode(value))
  }

  func get<Content>(
    _ path: [String], _ query: [(String, String?)] = [], page: Page = Page()
  ) async throws -> GatewayAnswer<Content> {
    try Self.read(try await send("GET", path, query + page.query))
  }

  /// Hands each server-sent event to `each` until it returns false or the stream ends.
  func events(
    _ path: [String], _ query: [(String, String?)], after last: String?, _ each: (GatewayEvent) async throws -> Bool
  ) async throws {
    var request = request("GET", try url(path, query))
    if let last { request.headers["Last-Event-ID"] = last }
    // A stream has no end of its own, and may be silent but for heartbeats.
    (request.limits.totalTime, request.limits.lowSpeed) = (.seconds(365 * 86_400), 0)
    request.limits.maxBodyBytes = .max
    try await http.stream(request) { head, body in
      guard head.status == 200 else {
        var bytes: [UInt8] = []
        while let piece = try await body.next(), bytes.count < 1 << 16 { bytes += piece }
        throw refusal(head.status, bytes)
      }
      var reader = GatewayEvent.Reader()
      while let piece = try await body.next() {
        for event in reader.take(piece) {
          guard try await each(event) else { return }
        }
      }
    }
  }
}
