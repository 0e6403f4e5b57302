import HTTP

/// Asks servers on this machine one question: health, readiness, metrics. Each question has a connection of its own, so
/// that none is open when the server stops.
package struct LoopbackHTTP: Sendable {
  package static let shared = LoopbackHTTP()
  private let client = try? HTTPClient(
    HTTPConfiguration(addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk", name: "loopback-http"))

  package struct Response: Sendable {
    package var status: Int
    package var body: String
  }

  /// - Returns: nil when no server listens, or no complete answer came within `timeout`.
  package func get(port: UInt16, path: String, timeout: Duration = .seconds(5)) async -> Response? {
    guard let client, let url = try? HTTPURL("http://127.0.0.1:\(port)\(path)") else { return nil }
    let limits = HTTPLimits(connectTime: timeout, totalTime: timeout, maxBodyBytes: 1 << 30)
    let request = HTTPRequest("GET", url, headers: ["Connection": "close"], limits: limits)
    let answer = try? await client.execute(request)
    return answer.map { Response(status: $0.status, body: $0.text) }
  }
}
