import ArgumentParser
import Core
import Foundation
import HTTP

/// How to reach a gateway. Its addresses are the operator's, so private ones are fine.
struct GatewayOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Where the gateway is.", valueName: "url"))
  var gateway = "http://127.0.0.1:8000"

  @Option(help: ArgumentHelp("File with the bearer token, if the gateway asks for one.", valueName: "path"))
  var tokenFile: String?

  /// - Throws: `Failure` for a file or an address that cannot be read.
  func client() throws -> GatewayClient {
    try GatewayClient(gateway, token: try tokenFile.map { try Secret("file:\($0.absolute)").resolve() })
  }
}

/// The API of a gateway with types: what its OpenAPI document calls `latestTicks` is `latestTicks` here.
struct GatewayClient: Sendable {
  private let http: HTTPClient
  private let base: String
  private let token: String?

  init(_ base: String, token: String? = nil) throws {
    var base = base
    while base.hasSuffix("/") { base.removeLast() }
    (self.base, self.token) = (base, token)
    http = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk/\(Souk.version)", name: "gateway"))
  }

  func close() { http.close() }

  // MARK: - what it answers with

  struct Ticks: Decodable {
    struct Tick: Decodable {
      struct Side: Decodable { var price, size, bid, ask: Decimal? }
      var symbol: String
      var trade, quote: Side?
      var watermark: String
      var ageSeconds: Double
      var stale: Bool
      var gaps: [Gap]
      var degraded: [String]
    }
    struct Gap: Decodable { var from: String }
    var ticks: [Tick]
    var unknown: [String]
  }

  struct Accepted: Decodable {
    var jobId: String
    var run: String
    var degraded: [String]
  }

  struct Job: Decodable, Hashable {
    var jobId, kind, state, run, submittedAt: String
    var partsDone, partsTotal, rows: Int
    var engine, message, reason, dataset, updatedAt: String?

    var isEnd: Bool { ["done", "failed", "cancelled"].contains(state) }
  }

  /// What the batch layer is to compute; times are RFC 3339.
  struct Submission: Encodable {
    var kind: String
    var jobId: String?
    var symbols: [String]?
    var from, until: String?
    var parameters: [String: String]?
  }

  // MARK: - what it is asked

  /// - Returns: the answer, and its JSON.
  func latestTicks(_ symbols: [String]) async throws -> (ticks: Ticks, json: [UInt8]) {
    let json = try await send("GET", "/ticks/latest?symbols=\(PercentEncoding.encode(symbols.joined(separator: ",")))")
    return (try Self.read(json), json)
  }

  func subscribe(_ symbol: String, feed: String, channels: String) async throws {
    _ = try await send("PUT", Self.stream(symbol, feed) + "&channels=\(PercentEncoding.encode(channels))")
  }

  func unsubscribe(_ symbol: String, feed: String) async throws {
    _ = try await send("DELETE", Self.stream(symbol, feed))
  }

  func submitJob(_ job: Submission) async throws -> Accepted {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return try Self.read(try await send("POST", "/jobs", Array(try encoder.encode(job))))
  }

  func jobs() async throws -> [Job] {
    struct Answer: Decodable { var jobs: [Job] }
    return try (Self.read(try await send("GET", "/jobs")) as Answer).jobs
  }

  func job(_ id: String) async throws -> Job {
    struct Answer: Decodable { var job: Job }
    return try (Self.read(try await send("GET", "/jobs/\(PercentEncoding.encode(id))")) as Answer).job
  }

  func cancelJob(_ id: String) async throws { _ = try await send("DELETE", "/jobs/\(PercentEncoding.encode(id))") }

  // MARK: - the wire

  private static func stream(_ symbol: String, _ feed: String) -> String {
    "/streams/\(PercentEncoding.encode(symbol))?feed=\(PercentEncoding.encode(feed))"
  }

  private static func read<Answer: Decodable>(_ json: [UInt8]) throws -> Answer {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do { return try decoder.decode(Answer.self, from: Data(json)) } catch {
      throw Failure(.data, code: "gateway_answer", "the gateway's answer is not what its API says: \(error)")
    }
  }

  /// - Parameter path: behind `/api/v1`, encoded.
  /// - Returns: the body; empty for an answer without one.
  /// - Throws: `Failure` with what the gateway says of a refusal; `HTTPError` when it does not answer.
  private func send(_ method: String, _ path: String, _ body: [UInt8]? = nil) async throws -> [UInt8] {
    var request = HTTPRequest(method, try HTTPURL("\(base)/api/v1\(path)"))
    request.limits.totalTime = .seconds(30)
    if let body {
      request.body = .bytes(body)
      request.headers["Content-Type"] = "application/json"
    }
    if let token { request.headers["Authorization"] = "Bearer \(token)" }
    let answer = try await http.execute(request)
    guard !(200..<300).contains(answer.head.status) else { return answer.body }
    struct Refusal: Decodable { var code, detail: String }
    let problem = try? JSONDecoder().decode(Refusal.self, from: Data(answer.body))
    throw Failure(
      answer.head.status >= 500 ? .transient : .data, code: problem?.code ?? "gateway_refused",
      "\(base) answers \(answer.head.status): \(problem?.detail ?? "nothing more")")
  }
}

extension String {
  fileprivate var absolute: String { URL(fileURLWithPath: NSString(string: self).expandingTildeInPath).path }
}
