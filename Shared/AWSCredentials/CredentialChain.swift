import Core
import Glibc
import HTTP
import ObjectStore

/// A place where AWS's own tools look for credentials.
package enum CredentialPlace: Sendable {
  /// A role that is assumed with the token in a file, at the security token service.
  case webIdentity(tokenFile: String, roleARN: String, sessionName: String, endpoint: HTTPURL)
  /// The file has to be there when a person named it.
  case sharedFile(path: String, profile: String, isRequired: Bool)
  /// The endpoint that ECS tasks and EKS pods are given.
  case container(endpoint: HTTPURL, token: String?, tokenFile: String?)
  /// The role of an EC2 instance.
  case instance(endpoint: HTTPURL)

  package static let instanceEndpoint = "http://169.254.169.254"

  /// Whether a container's token may be sent there: only over TLS, to this machine and to the addresses AWS documents.
  package static func isContainerEndpoint(_ url: HTTPURL) -> Bool {
    if url.scheme == "https" { return true }
    return ["localhost", "169.254.170.2", "169.254.170.23", "fd00:ec2::23", "::1"].contains(url.host)
      || url.host.hasPrefix("127.") && IPAddress(url.host) != nil
  }
}

/// One place where credentials may be found.
package protocol CredentialSource: Sendable {
  /// For people: `the shared credentials file`.
  var name: String { get }

  /// - Returns: nil when this place is not set up here, so that the next one is asked.
  /// - Throws: `ObjectStoreError` or `HTTPError` when it is set up, and does not work.
  func fetch() async throws -> Issued<S3Credentials>?
}

/// Asks one source after the other until one has credentials, keeps them, and gets new ones before they expire.
///
/// The order is that of AWS's own tools: what was given outright, a web identity, the shared credentials file, the
/// container's endpoint, the instance's metadata.
package actor CredentialChain: CredentialProvider {
  private let sources: [any CredentialSource]
  /// What has worked is asked alone: a job must not change its identity on the way.
  private var found: (any CredentialSource)?
  private let renewal: Renewal<S3Credentials>

  /// - Parameters:
  ///   - now: seconds since 1970.
  ///   - margin: seconds.
  package init(_ sources: [any CredentialSource], margin: Int64 = 300, now: @escaping @Sendable () -> Int64) {
    self.sources = sources
    renewal = Renewal(margin: margin, now: now)
  }

  /// - Parameter client: for the services that issue credentials.
  package init(_ places: [CredentialPlace], client: HTTPClient) {
    self.init(places.map { PlacedCredentials(place: $0, client: client) }, now: WallClock.seconds)
  }

  package func current() async throws -> S3Credentials { try await renewal.current { try await self.fetch() } }
  package func refused(_ credentials: S3Credentials) async -> Bool { await renewal.refused { $0 == credentials } }

  private func fetch() async throws -> Issued<S3Credentials> {
    for source in found.map({ [$0] }) ?? sources {
      guard let issued = try await source.fetch() else { continue }
      found = source
      return issued
    }
    throw ObjectStoreError(
      .invalidSetting,
      "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; also looked in: "
        + sources.map(\.name).joined(separator: ", "))
  }
}
