import Core
import HTTP

/// `https://…{symbol}…`: one request per symbol, answered with JSON.
package struct JSONSource: BarSource {
  let template: String
  let exchange: String
  let mapping: JSONMapping
  let client: HTTPClient
  let limits: HTTPLimits
  let token: String?
  let pace: Pace
  let now: @Sendable () -> Int64
  /// Consecutive failures after which the server has failed, not the symbol.
  private static let maxFailures = 3

  /// The host only, because the rest may hold a key.
  package var label: String {
    (try? HTTPURL(Self.fill(template, ["symbol": "X"])))?.origin ?? "http"
  }
  package var isLive: Bool { false }

  package func fetch(_ requests: [BarRequest], deliver: Delivery) async throws {
    var failures = 0
    for request in requests {
      guard try await pace.turn() else { return }
      do {
        var answer = try await ask(request)
        let bars = answer.bars
        failures = 0
        let first = bars.map(\.time).min()
        answer.reachesBack =
          request.reachBackTo.map { back in bars.count < request.count || (first ?? .max) <= back } ?? true
        answer.missing = request.isCountLimit ? 0 : max(0, request.count - bars.count - answer.lost.count)
        try await deliver(request.symbol, .success(answer))
      } catch let error as SourceError {
        failures = error.isTransient ? failures + 1 : 0
        if failures >= Self.maxFailures || error.errorClass == .configuration || error.retryAfter != nil { throw error }
        try await deliver(request.symbol, .failure(error))
      }
    }
  }

  private func ask(_ request: BarRequest) async throws -> BarAnswer {
    let seconds = request.interval.seconds ?? 86_400
    let end = now()
    let start = min(request.reachBackTo ?? .max, end - Int64(request.count) * seconds)
    let text = Self.fill(template, [
      "symbol": request.symbol, "exchange": exchange, "interval": request.interval.rawValue,
      "resolution": request.interval.resolution, "count": "\(request.count)", "from": "\(start)", "to": "\(end)",
    ])
    do {
      var http = HTTPRequest("GET", try HTTPURL(text), limits: limits)
      http.headers["Accept"] = "application/json"
      if let token { http.headers["Authorization"] = "Bearer \(token)" }
      let response = try await client.execute(http)
      try response.head.requireSuccess()
      return try mapping.bars(response.body)
    } catch let error as HTTPError {
      throw Self.meaning(of: error)
    }
  }

  private static func meaning(of error: HTTPError) -> SourceError {
    let kind: SourceError.Kind
    switch error.kind {
    case .status(401): kind = .tokenRefused
    case .status(404), .status(400), .status(422): kind = .symbolRefused
    case .bodyTooLarge: kind = .tooLarge
    case .timedOut, .tooSlow: kind = .timedOut
    default:
      switch error.errorClass {
      case .transient: kind = .connectFailed
      case .configuration: kind = .misconfigured
      case .data, .fatal: kind = .seriesRefused
      }
    }
    return SourceError(kind, "\(error)", retryAfter: error.retryAfter)
  }

  /// Values are percent-encoded; unknown placeholders stay.
  static func fill(_ template: String, _ values: [String: String]) -> String {
    var text = ""
    var rest = template[...]
    while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
      text += rest[..<open]
      let name = String(rest[rest.index(after: open)..<close])
      text += values[name].map { PercentEncoding.encode($0) } ?? "{\(name)}"
      rest = rest[rest.index(after: close)...]
    }
    return text + rest
  }
}
