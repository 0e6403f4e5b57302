import HTTP
import Runtime
import Schemas

/// What provider-simulator says of the time before a demonstration.
final class TrainingHistory: Sendable {
  /// Hours of each series: three months, the newest fifth of which has calm and moving days to measure intervals on.
  private static let hours = 2_160

  private let client: HTTPClient
  private let providers: HTTPURL
  private let end: String

  /// - Parameters:
  ///   - providers: where the simulator answers, without a path.
  ///   - end: RFC 3339; the hour at this time is not part of it.
  init(providers: HTTPURL, end: String) throws {
    // The operator named the address, and the simulator is on this machine or in its private network.
    client = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk/\(Souk.version)", name: "training-history"))
    self.providers = providers
    self.end = end
  }

  deinit { client.close() }

  /// Times and values as the simulator's tables write them, oldest first.
  /// - Throws: `HTTPError` when it does not answer with 200.
  func values(
    of material: String, country: String, kind: SeriesKind, currency: String
  ) async throws -> [(time: String, value: String)] {
    let url = try providers.resolving(
      "/training/series/\(material)/\(country).csv?kind=\(kind.rawValue)&currency=\(currency)"
        + "&at=\(end)&points=\(Self.hours + 1)")
    let answer = try await client.execute(HTTPRequest("GET", url, limits: HTTPLimits(totalTime: .seconds(30))))
    try answer.head.requireSuccess()
    return answer.text.split(whereSeparator: \.isNewline).dropFirst().dropLast().compactMap { line in
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      return cells.count >= 4 ? (String(cells[0]), String(cells[3])) : nil
    }
  }
}
