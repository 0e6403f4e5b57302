import Core
import Foundation
import HTTPTypes
import HummingbirdCore
import NIOCore
import SimulatorServer
import Values

extension ProviderSimulator {
  func makeRouter() -> Router {
    let router = Router()
    router.get("/{provider}/v8/finance/chart/{symbol}") { request, parameters in
      try await self.answer(request, parameters, unknown: ProviderAnswer.yahooUnknown) { answer in
        (answer.yahoo(symbol: parameters["symbol"] ?? ""), "application/json")
      }
    }
    router.get("/{provider}/query") { request, parameters in
      try await self.answer(request, parameters, unknown: ProviderAnswer.alphaVantageUnknown) { answer in
        (answer.alphaVantage(name: answer.material), "application/json")
      }
    }
    router.get("/{provider}/series/{material}/{file}") { request, parameters in
      let isCSV = parameters["file"]?.hasSuffix(".csv") == true
      return try await self.answer(request, parameters, unknown: "{}") { answer in
        isCSV ? (answer.csv, "text/csv") : (answer.json, "application/json")
      }
    }
    router.get("/_provider/stats") { _, _ in self.statistics }
    router.post("/_provider/faults") { request, _ -> Response in
      do {
        self.add(try Misbehaviour(text: request.uri.queryParameters["fault"].map(String.init) ?? ""))
        return Response(status: .noContent)
      } catch {
        return Response(status: .badRequest, body: .init(byteBuffer: ByteBuffer(string: "\(error)\n")))
      }
    }
    router.delete("/_provider/faults") { _, _ -> HTTPResponse.Status in
      self.clearFaults()
      return .noContent
    }
    router.post("/_provider/latency") { request, _ -> HTTPResponse.Status in
      guard let setting = request.uri.queryParameters["value"].flatMap({ DurationSetting(text: String($0)) }) else {
        return .badRequest
      }
      self.set(latency: setting.duration)
      return .noContent
    }
    return router
  }

  /// One line a provider: `yahoo requests=10 in_flight=0 most_in_flight=4 most_in_one_second=6 200=9 304=1`.
  private var statistics: String {
    meters.sorted { $0.key < $1.key }.map { name, meter in
      let answers = meter.answers.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
      return "\(name) requests=\(meter.requests) in_flight=\(meter.inFlight) most_in_flight=\(meter.mostInFlight) "
        + "most_in_one_second=\(meter.mostInOneSecond)\(answers)\n"
    }.joined()
  }

  private func answer(
    _ request: Request, _ parameters: PathParameters, unknown: String,
    _ make: (ProviderAnswer) -> (body: String, type: String)
  ) async throws -> Response {
    let provider = parameters["provider"] ?? ""
    let (fault, latency) = state.began(provider)
    var status = HTTPResponse.Status.internalServerError
    defer { state.ended(provider, Int(status.code)) }
    let delay = latency + (fault?.mode == .slow ? fault?.value ?? .zero : .zero)
    if delay > .zero { try await Task.sleep(for: delay) }
    let response = respond(request, parameters, fault, unknown: unknown, make)
    status = response.status
    return response
  }

  private func respond(
    _ request: Request, _ parameters: PathParameters, _ fault: Misbehaviour?, unknown: String,
    _ make: (ProviderAnswer) -> (body: String, type: String)
  ) -> Response {
    switch fault?.mode {
    case .outage: return plain(.serviceUnavailable, "down", "text/plain")
    case .wrongKey: return plain(.ok, ProviderAnswer.wrongKey, "application/json")
    case .quota: return plain(.ok, ProviderAnswer.quota, "application/json")
    case .unprocessable:
      return plain(.unprocessableContent, "{\"error\":\"1m bars are kept for 8 days\"}", "application/json")
    case .unauthorized: return plain(.unauthorized, "who are you?", "text/plain")
    case .unknown: return plain(.notFound, unknown, "application/json")
    case .garbage: return plain(.ok, "<html><body>We are improving our site.</body></html>", "text/html")
    case .deep: return plain(.ok, String(repeating: "[", count: 1 << 20), "application/json")
    case .flood: return flood()
    case .rateLimit:
      var response = plain(.tooManyRequests, "slow down", "text/plain")
      // Whole seconds, as the header has them.
      let seconds = Int((fault?.value ?? .seconds(1)) / .seconds(1))
      if seconds > 0 { response.headers[.retryAfter] = "\(seconds)" }
      return response
    default: break
    }
    guard let (material, country) = subject(request, parameters), !material.hasPrefix("unknown") else {
      return plain(.notFound, unknown, "application/json")
    }
    guard let time = time(request) else { return plain(.badRequest, "at: not a time", "text/plain") }
    let query = request.uri.queryParameters
    let (body, type) = make(ProviderAnswer(
      market: market, kind: query["kind"] == "demand" ? .demand : .price, material: material, country: country,
      currency: query["currency"].map(String.init), unit: query["unit"].map(String.init), time: time,
      count: query["points"].flatMap { Int($0) }.map { min(max($0, 1), 10_000) } ?? options.points, mode: fault?.mode))
    if fault?.mode == .truncated { return plain(.ok, String(body.prefix(body.count / 2)), type) }
    let tag = "\"\(Self.hash(body))\""
    if request.headers[.ifNoneMatch] == tag { return Response(status: .notModified, headers: [.eTag: tag]) }
    var response = plain(.ok, body, type)
    response.headers[.eTag] = tag
    return response
  }

  /// Material and country: from the path, or from a symbol `material.country`; a symbol of one word is of the world.
  private func subject(_ request: Request, _ parameters: PathParameters) -> (material: String, country: String)? {
    if let material = parameters["material"], let file = parameters["file"] {
      return (material, String(file.prefix { $0 != "." }))
    }
    let query = request.uri.queryParameters
    let name = parameters["symbol"] ?? (query["symbol"] ?? query["function"]).map(String.init)
    guard let symbol = name.flatMap({ PercentEncoding.decode($0) }) else { return nil }
    let parts = symbol.split(separator: ".", maxSplits: 1).map(String.init)
    guard let material = parts.first.flatMap({ RoutingKey.word(for: $0) }) else { return nil }
    return (material, parts.count > 1 ? parts[1] : RoutingKey.world.country)
  }

  /// `at=`, as RFC 3339 or in seconds since 1970; now without it.
  private func time(_ request: Request) -> Timestamp? {
    guard let text = request.uri.queryParameters["at"].map({ PercentEncoding.decode($0) ?? "" }) else {
      return Timestamp.now()
    }
    return Timestamp(text) ?? Int64(text).flatMap { Timestamp(microseconds: $0 * 1_000_000) }
  }

  private func plain(_ status: HTTPResponse.Status, _ body: String, _ type: String) -> Response {
    Response(status: status, headers: [.contentType: type], body: .init(byteBuffer: ByteBuffer(string: body)))
  }

  private func flood() -> Response {
    Response(
      status: .ok, headers: [.contentType: "application/json"],
      body: .init { writer in
        let piece = ByteBuffer(repeating: UInt8(ascii: " "), count: 64 << 10)
        for _ in 0..<1_024 { try await writer.write(piece) }
        try await writer.finish(nil)
      })
  }

  /// FNV-1a, 64 bits.
  private static func hash(_ text: String) -> String {
    String(text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }, radix: 16)
  }
}
