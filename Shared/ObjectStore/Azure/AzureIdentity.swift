import Core
import Foundation
import HTTP

/// An identity that Azure gives to a machine, or to a pod with a federated token, instead of a key of the account. Its
/// token goes with every request and is renewed before it ends.
package final class AzureIdentity: Sendable {
  /// Where tokens come from.
  package enum Place: Sendable {
    /// The metadata service of the machine (learn.microsoft.com/entra/identity/managed-identities-azure-resources/
    /// how-to-use-vm-token).
    case machine(endpoint: HTTPURL, clientID: String?)
    /// Microsoft Entra ID, for the token that Kubernetes writes into a file
    /// (learn.microsoft.com/entra/workload-id/workload-identity-federation). The file is read each time.
    case federated(authority: HTTPURL, tenantID: String, clientID: String, tokenFile: String)

    var name: String {
      switch self {
      case .machine(let endpoint, _): "the machine's identity at \(endpoint.origin)"
      case .federated(_, _, _, let file): "the identity of \(file)"
      }
    }
  }

  package let place: Place
  private let now: @Sendable () -> Int64
  private let renewal: Renewal<String>

  /// An address where nothing answers must not hold a start up.
  private static let limits = HTTPLimits(
    connectTime: .seconds(2), totalTime: .seconds(20), maxBodyBytes: 1 << 20, maxRedirects: 0)

  /// - Parameter now: seconds since 1970.
  package init(_ place: Place, now: @escaping @Sendable () -> Int64 = WallClock.seconds) {
    self.place = place
    self.now = now
    renewal = Renewal(now: now)
  }

  /// - Throws: `ObjectStoreError` or `HTTPError`.
  func token(by client: HTTPClient) async throws -> String {
    try await renewal.current { try await self.fetch(by: client) }
  }

  /// The store refused the token.
  func refused(_ token: String) async -> Bool { await renewal.refused { $0 == token } }

  private struct Answer: Decodable {
    var access_token: String
    var expires_in: Seconds

    /// The metadata service writes a number in quotes, Entra ID one without.
    struct Seconds: Decodable {
      var value: Int64
      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int64.self) {
          value = number
        } else if let number = Int64(try container.decode(String.self)) {
          value = number
        } else {
          throw DecodingError.dataCorruptedError(in: container, debugDescription: "no number of seconds")
        }
      }
    }
  }

  private func fetch(by client: HTTPClient) async throws -> Issued<String> {
    let asked = now()
    let answer = try await client.execute(try request())
    guard answer.head.isSuccess else {
      // 404 and 410: the service is being set up or updated.
      let isOutage = HTTPError.isTransient(status: answer.status) || [404, 410].contains(answer.status)
      throw ObjectStoreError(
        isOutage ? .unavailable : .badCredentials, "\(place.name) was refused a token: \(answer.status)"
          + (isOutage ? "" : "; check that the identity is assigned, and its client id"))
    }
    let found: Answer
    do { found = try JSONDecoder().decode(Answer.self, from: Data(answer.body)) } catch {
      throw ObjectStoreError(.protocolViolated, "\(place.name) answered without a token")
    }
    let header: HTTPHeaders = ["authorization": "Bearer \(found.access_token)"]
    guard header.areSafeToSend else {
      throw ObjectStoreError(.protocolViolated, "\(place.name) gave an unusable token")
    }
    return Issued(found.access_token, expiresAt: asked + found.expires_in.value)
  }

  private static let resource = "https://storage.azure.com/"

  private func request() throws -> HTTPRequest {
    switch place {
    case .machine(let endpoint, let clientID):
      var query = "api-version=2018-02-01&resource=\(PercentEncoding.encode(Self.resource))"
      if let clientID { query += "&client_id=\(PercentEncoding.encode(clientID))" }
      let url = try HTTPURL("\(endpoint.origin)/metadata/identity/oauth2/token?\(query)")
      return HTTPRequest("GET", url, headers: ["metadata": "true"], limits: Self.limits)
    case .federated(let authority, let tenantID, let clientID, let file):
      let token = try readToken(file, flag: "--azure-federated-token-file")
      let url = try HTTPURL("\(authority.origin)/\(PercentEncoding.encode(tenantID))/oauth2/v2.0/token")
      return HTTPRequest.form(url, [
        (name: "grant_type", value: "client_credentials"), (name: "client_id", value: clientID),
        (name: "scope", value: Self.resource + ".default"),
        (name: "client_assertion_type", value: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        (name: "client_assertion", value: token),
      ], headers: ["accept": "application/json"], limits: Self.limits)
    }
  }
}

extension AzureIdentity: Hashable {
  package static func == (left: AzureIdentity, right: AzureIdentity) -> Bool { left === right }
  package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
