import Compression
import Core
import Foundation
import HTTP

/// Writes line protocol to one server; connections are reused, any number of writes may be in flight.
package final class InfluxClient: Sendable {
  package let configuration: InfluxConfiguration
  private let http: HTTPClient
  private let target: HTTPURL
  private let headers: HTTPHeaders

  /// - Throws: `HTTPError` when the certificate file cannot be read.
  package init(_ configuration: InfluxConfiguration) throws(HTTPError) {
    self.configuration = configuration
    // The operator names the server, so private addresses are allowed.
    http = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk/\(Souk.version)",
      certificateAuthorityFile: configuration.certificateAuthorityFile, name: "influx"))
    target = try Self.url(configuration.base, configuration.api.target)
    var headers: HTTPHeaders = ["Content-Type": "text/plain; charset=utf-8"]
    if configuration.gzipLevel > 0 { headers["Content-Encoding"] = "gzip" }
    switch configuration.credentials {
    case .none: break
    case .token(let token): headers["Authorization"] = "Token \(token)"
    case .user(let name, let password):
      headers["Authorization"] = "Basic " + Data("\(name):\(password)".utf8).base64EncodedString()
    }
    self.headers = headers
  }

  package func close() { http.close() }

  /// Writes points: line protocol, times in microseconds.
  /// - Throws: transient `HTTPError`s, `Failure(.configuration)` for credentials and missing databases.
  package func write(_ lines: [UInt8]) async throws -> WriteAnswer {
    guard let body = configuration.gzipLevel > 0 ? Deflate.gzip(lines, level: configuration.gzipLevel) : lines else {
      throw Failure(.fatal, code: "zlib_failed", "zlib could not compress a body: out of memory?")
    }
    let response = try await send("POST", target, headers: headers, body: .bytes(body))
    if let answer = WriteAnswer(status: response.status, body: response.text) { return answer }
    throw InfluxError.failure(status: response.status, head: response.head, body: response.text)
  }

  /// Creates the database if configured, and verifies write access with a body that holds only a comment.
  /// - Returns: a description of the server, for people.
  package func prepare() async throws -> String {
    if configuration.createsDatabase, case .v1(let database, _) = configuration.api {
      let name = database.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
      let url = try Self.url(configuration.base, "/query")
      var headers = headers
      headers.remove("Content-Encoding")
      headers["Content-Type"] = "application/x-www-form-urlencoded"
      let statement = "CREATE DATABASE \"\(name)\""
      let encoded = PercentEncoding.encode(statement)
      let response = try await send("POST", url, headers: headers, body: .bytes(Array("q=\(encoded)".utf8)))
      guard response.head.isSuccess else {
        throw InfluxError.failure(status: response.status, head: response.head, body: response.text)
      }
    }
    _ = try await write(Array("# souk\n".utf8))
    let ping = try await send("GET", try Self.url(configuration.base, "/ping"), headers: [:], body: .none)
    let version = ping.headers["x-influxdb-version"].map { "InfluxDB \($0)" } ?? "a server without a version"
    return "\(version) at \(configuration.base.origin)"
  }

  /// Runs an InfluxQL query on InfluxDB 1.x.
  /// - Returns: the series of the one statement, times in microseconds since 1970.
  /// - Throws: what `write` throws; `Failure` with the server's message for a refused statement.
  package func query(_ statement: String) async throws -> [InfluxSeries] {
    guard case .v1(let database, let policy) = configuration.api else {
      throw Failure(.configuration, code: "influx_no_query", "InfluxQL queries need a database of InfluxDB 1.x")
    }
    var headers = headers
    headers.remove("Content-Encoding")
    var fields = [("db", database), ("epoch", "u"), ("q", statement)]
    if let policy { fields.append(("rp", policy)) }
    let request = HTTPRequest.form(
      try Self.url(configuration.base, "/query"), fields.map { (name: $0.0, value: $0.1) }, headers: headers,
      limits: HTTPLimits(totalTime: configuration.timeout, lowSpeed: 0, maxBodyBytes: 256 << 20, maxRedirects: 0))
    let response = try await http.execute(request)
    guard response.head.isSuccess else {
      throw InfluxError.failure(status: response.status, head: response.head, body: response.text)
    }
    return try InfluxSeries.read(response.body)
  }

  private func send(
    _ method: String, _ url: HTTPURL, headers: HTTPHeaders, body: HTTPRequest.Body
  ) async throws -> HTTPResponse {
    try await http.execute(HTTPRequest(
      method, url, headers: headers, body: body,
      limits: HTTPLimits(totalTime: configuration.timeout, lowSpeed: 0, maxBodyBytes: 1 << 20, maxRedirects: 0)))
  }

  /// A path on the server; the base URL may have a path of its own.
  private static func url(_ base: HTTPURL, _ path: String) throws(HTTPError) -> HTTPURL {
    let prefix = base.path.hasSuffix("/") ? String(base.path.dropLast()) : base.path
    return try HTTPURL(base.origin + prefix + path)
  }
}
