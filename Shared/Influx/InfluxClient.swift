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
    self.headers = headers
  }

  /// With the credentials that are in force now.
  private func authorized() throws(Failure) -> HTTPHeaders {
    var headers = headers
    switch configuration.credentials {
    case .none: break
    case .token(let token): headers["Authorization"] = "Token \(try token.resolve())"
    case .user(let name, let password):
      headers["Authorization"] = "Basic " + Data("\(name):\(try password.resolve())".utf8).base64EncodedString()
    }
    return headers
  }

  package func close() { http.close() }

  /// Writes points: line protocol, times in microseconds.
  /// - Throws: transient `HTTPError`s, `Failure(.configuration)` for credentials and missing databases.
  package func write(_ lines: [UInt8]) async throws -> WriteAnswer {
    guard let body = configuration.gzipLevel > 0 ? Deflate.gzip(lines, level: configuration.gzipLevel) : lines else {
      throw Failure(.fatal, code: "zlib_failed", "zlib could not compress a body: out of memory?")
    }
    let response = try await http.execute(
      HTTPRequest("POST", target, headers: authorized(), body: .bytes(body), limits: limits()))
    if let answer = WriteAnswer(status: response.status, body: response.text) { return answer }
    throw InfluxError.failure(response)
  }

  /// Creates the database if configured, and verifies write access with a body that holds only a comment.
  /// - Returns: a description of the server, for people.
  package func prepare() async throws -> String {
    if configuration.createsDatabase, case .v1(let database, _) = configuration.api {
      let name = database.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
      _ = try await form([("q", "CREATE DATABASE \"\(name)\"")], maxAnswer: 1 << 20)
    }
    _ = try await write(Array("# souk\n".utf8))
    let ping = try await http.execute(HTTPRequest("GET", try Self.url(configuration.base, "/ping"), limits: limits()))
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
    let fields = [("db", database), ("epoch", "u"), ("q", statement)] + (policy.map { [("rp", $0)] } ?? [])
    return try InfluxSeries.read(try await form(fields, maxAnswer: 256 << 20).body)
  }

  /// Posts a form to `/query`.
  private func form(_ fields: [(String, String)], maxAnswer: Int) async throws -> HTTPResponse {
    var headers = try authorized()
    headers.remove("Content-Encoding")
    let response = try await http.execute(HTTPRequest.form(
      try Self.url(configuration.base, "/query"), fields.map { (name: $0.0, value: $0.1) }, headers: headers,
      limits: limits(maxAnswer: maxAnswer)))
    guard response.head.isSuccess else { throw InfluxError.failure(response) }
    return response
  }

  private func limits(maxAnswer: Int = 1 << 20) -> HTTPLimits {
    HTTPLimits(totalTime: configuration.timeout, lowSpeed: 0, maxBodyBytes: maxAnswer, maxRedirects: 0)
  }

  /// A path on the server; the base URL may have a path of its own.
  private static func url(_ base: HTTPURL, _ path: String) throws(HTTPError) -> HTTPURL {
    let prefix = base.path.hasSuffix("/") ? String(base.path.dropLast()) : base.path
    return try HTTPURL(base.origin + prefix + path)
  }
}
