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

/// Credentials and how long they may be used.
package struct IssuedCredentials: Hashable, Sendable {
  package var credentials: S3Credentials
  /// Seconds since 1970; nil for ever.
  package var expiresAt: Int64?
}

/// One place where credentials may be found.
package protocol CredentialSource: Sendable {
  /// For people: `the shared credentials file`.
  var name: String { get }

  /// - Returns: nil when this place is not set up here, so that the next one is asked.
  /// - Throws: `ObjectStoreError` or `HTTPError` when it is set up, and does not work.
  func fetch() async throws -> IssuedCredentials?
}

/// Asks one source after the other until one has credentials, keeps them, and gets new ones before they expire.
///
/// The order is that of AWS's own tools: what was given outright, a web identity, the shared credentials file, the
/// container's endpoint, the instance's metadata.
package actor CredentialChain: CredentialProvider {
  private let sources: [any CredentialSource]
  private let now: @Sendable () -> Int64
  /// What is still valid is renewed this long before it expires, or kept when that fails.
  private let margin: Int64
  private var issued: (source: any CredentialSource, credentials: IssuedCredentials, at: Int64)?
  /// No second attempt to renew what is still valid before this.
  private var retryAt: Int64 = .min
  private var fetching: Task<Void, any Error>?

  /// - Parameters:
  ///   - now: seconds since 1970.
  ///   - margin: seconds.
  package init(_ sources: [any CredentialSource], margin: Int64 = 300, now: @escaping @Sendable () -> Int64) {
    self.sources = sources
    self.margin = margin
    self.now = now
  }

  /// - Parameter client: for the services that issue credentials.
  package init(_ places: [CredentialPlace], client: HTTPClient) {
    self.init(places.map { PlacedCredentials(place: $0, client: client) }, now: WallClock.seconds)
  }

  package func current() async throws -> S3Credentials {
    if let issued, isFresh(issued.credentials) { return issued.credentials.credentials }
    do {
      try await renew()
    } catch {
      // Not the end as long as the old ones are taken.
      guard let issued, let expiry = issued.credentials.expiresAt, expiry > now() + 5 else { throw error }
      retryAt = now() + 30
    }
    guard let issued else { throw Self.nothingFound(sources) }
    return issued.credentials.credentials
  }

  /// What was fetched only now is wrong, and what cannot be fetched anew too.
  package func refused(_ credentials: S3Credentials) async -> Bool {
    guard let issued else { return true }
    guard issued.credentials.credentials == credentials else { return true }
    guard issued.credentials.expiresAt != nil, now() - issued.at >= 60 else { return false }
    self.issued = nil
    return true
  }

  private func isFresh(_ credentials: IssuedCredentials) -> Bool {
    guard let expiry = credentials.expiresAt else { return true }
    return now() < expiry - margin || now() < min(retryAt, expiry)
  }

  /// One request for all who wait.
  private func renew() async throws {
    if let fetching { return try await fetching.value }
    let task = Task { try await fetch() }
    fetching = task
    defer { fetching = nil }
    try await task.value
  }

  private func fetch() async throws {
    // What has worked is asked first, and alone: a job must not change its identity on the way.
    for source in issued.map({ [$0.source] }) ?? sources {
      guard let found = try await source.fetch() else { continue }
      issued = (source, found, now())
      return
    }
    if issued == nil { throw Self.nothingFound(sources) }
  }

  private static func nothingFound(_ sources: [any CredentialSource]) -> ObjectStoreError {
    ObjectStoreError(
      .invalidSetting,
      "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or one of the places that were looked at has "
        + "to have some: \(sources.map(\.name).joined(separator: ", "))")
  }
}
