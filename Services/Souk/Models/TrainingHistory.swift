import Core
import HTTP
import Values

/// The data of provider-simulator before a demonstration begins.
final class TrainingHistory: Sendable {
  /// Hours per series: three months, whose newest fifth has quiet and volatile days to measure intervals on.
  private static let hours = 2_160

  private let client: HTTPClient
  private let providers: HTTPURL
  private let end: String

  /// - Parameters:
  ///   - providers: the simulator's address, without a path.
  ///   - end: RFC 3339, exclusive.
  init(providers: HTTPURL, end: String) throws {
    // The operator gave the address; the simulator runs on this machine or in a private network.
    client = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk/\(Souk.version)", name: "training-history"))
    self.providers = providers
    self.end = end
  }

  deinit { client.close() }

  /// Times and values as in the simulator's tables, oldest first.
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
