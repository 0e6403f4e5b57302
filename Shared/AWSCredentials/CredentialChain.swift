import Core
import Foundation
import Glibc
import HTML
import HTTP
import ObjectStore
import Values

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

/// The credentials of one place.
struct PlacedCredentials: CredentialSource {
  var place: CredentialPlace
  var client: HTTPClient

  var name: String {
    switch place {
    case .webIdentity(let tokenFile, _, _, _): "the web identity of \(tokenFile)"
    case .sharedFile(let path, let profile, _): "profile '\(profile)' of \(path)"
    case .container(let endpoint, _, _): "the container endpoint \(endpoint)"
    case .instance(let endpoint): "the instance metadata at \(endpoint.origin)"
    }
  }

  func fetch() async throws -> Issued<S3Credentials>? {
    switch place {
    case .webIdentity(let tokenFile, let role, let session, let endpoint):
      try await webIdentity(tokenFile, role, session, endpoint)
    case .sharedFile(let path, let profile, let isRequired):
      try self.profile(profile, in: path, isRequired: isRequired)
    case .container(let endpoint, let token, let tokenFile): try await container(endpoint, token, tokenFile)
    case .instance(let endpoint): try await instanceRole(endpoint)
    }
  }

  // MARK: - web identity

  /// A role assumed with the token that an identity provider wrote into a file, as Kubernetes service accounts have it
  /// (docs.aws.amazon.com/STS, AssumeRoleWithWebIdentity). The file is read each time: its token is renewed.
  private func webIdentity(
    _ tokenFile: String, _ roleARN: String, _ sessionName: String, _ endpoint: HTTPURL
  ) async throws -> Issued<S3Credentials> {
    let token = try readToken(tokenFile, flag: "--aws-web-identity-token-file")
    let fields = [
      ("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleArn", roleARN),
      ("RoleSessionName", sessionName), ("WebIdentityToken", token),
    ]
    let answer = try await client.execute(HTTPRequest.form(
      endpoint, fields.map { (name: $0.0, value: $0.1) }, headers: ["accept": "application/xml"],
      limits: Self.limits(connect: 5, total: 20)))
    let document = Self.leaves(answer.body)
    guard answer.head.isSuccess else {
      let code = document["Code"] ?? ""
      if HTTPError.isTransient(status: answer.status) || ["IDPCommunicationError", "Throttling"].contains(code) {
        throw ObjectStoreError(.unavailable, "the security token service answered \(answer.status) \(code)")
      }
      throw ObjectStoreError(
        .badCredentials, "the security token service refuses the web identity of \(tokenFile) for \(roleARN): "
          + "\(answer.status) \(code); check the role's trust policy and the token")
    }
    guard let id = document["AccessKeyId"], let secret = document["SecretAccessKey"],
      let session = document["SessionToken"], let expiry = document["Expiration"].flatMap(Self.seconds)
    else {
      throw ObjectStoreError(.protocolViolated, "the security token service answered without credentials")
    }
    return Issued(
      S3Credentials(accessKeyID: id, secretAccessKey: secret, sessionToken: session), expiresAt: expiry)
  }

  /// The texts of the elements that hold no others, by name; empty when the bytes are not a document.
  private static func leaves(_ bytes: [UInt8]) -> [String: String] {
    var leaves: [String: String] = [:]
    var left = XMLElement(document: bytes).map { [$0] } ?? []
    while let element = left.popLast() {
      if element.children.isEmpty { leaves[element.name] = element.text }
      left += element.children
    }
    return leaves
  }

  // MARK: - shared credentials file

  /// A profile of the shared credentials file of AWS's tools: INI sections, one for each profile.
  private func profile(_ profile: String, in path: String, isRequired: Bool) throws -> Issued<S3Credentials>? {
    guard let bytes = try? readFile(path, limit: 1 << 20) else {
      if isRequired {
        throw ObjectStoreError(.invalidSetting, "--aws-shared-credentials-file: cannot read \(path)")
      }
      return nil
    }
    guard let found = Self.parse(String(decoding: bytes, as: UTF8.self), profile: profile) else {
      if profile == "default" { return nil }
      throw ObjectStoreError(.invalidSetting, "--aws-profile: \(path) has no complete profile '\(profile)'")
    }
    return Issued(found)
  }

  /// - Returns: nil when the profile is missing or lacks one of its two keys.
  static func parse(_ text: String, profile: String) -> S3Credentials? {
    var section = ""
    var values: [String: String] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      let line = line.trimmingCharacters(in: .whitespaces)
      if line.isEmpty || line.hasPrefix("#") || line.hasPrefix(";") { continue }
      if line.hasPrefix("["), line.hasSuffix("]") {
        section = line.dropFirst().dropLast().trimmingCharacters(in: .whitespaces)
      } else if section == profile, let equals = line.firstIndex(of: "=") {
        values[line[..<equals].trimmingCharacters(in: .whitespaces).lowercased()] =
          line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
      }
    }
    guard let id = values["aws_access_key_id"], let secret = values["aws_secret_access_key"] else { return nil }
    return S3Credentials(accessKeyID: id, secretAccessKey: secret, sessionToken: values["aws_session_token"])
  }

  // MARK: - container and instance

  /// The endpoint of ECS tasks and EKS pods. A token file is read each time, because its token is renewed.
  private func container(
    _ endpoint: HTTPURL, _ token: String?, _ tokenFile: String?
  ) async throws -> Issued<S3Credentials> {
    var headers: HTTPHeaders = ["accept": "application/json"]
    if let tokenFile {
      headers["authorization"] = try readToken(tokenFile, flag: "--aws-container-authorization-token-file")
    } else if let token {
      headers["authorization"] = token
    }
    let answer = try await client.execute(HTTPRequest(
      "GET", endpoint, headers: headers, limits: Self.limits(connect: 2, total: 10)))
    return try issued(answer)
  }

  private static let roles = "/latest/meta-data/iam/security-credentials/"

  /// The role of an EC2 instance, from its metadata service, version 2 only: a session token first, because version 1
  /// answers any request that can be made to come from this machine.
  private func instanceRole(_ endpoint: HTTPURL) async throws -> Issued<S3Credentials>? {
    let token: HTTPResponse
    do {
      token = try await request("PUT", endpoint, "/latest/api/token", ["x-aws-ec2-metadata-token-ttl-seconds": "21600"])
    } catch let error as HTTPError where error.isTransient {
      // Nothing answers: this is no instance.
      return nil
    }
    guard token.head.isSuccess, !token.body.isEmpty, token.body.count < 1024 else { return nil }
    let session: HTTPHeaders = ["x-aws-ec2-metadata-token": token.text]
    guard session.areSafeToSend else { throw ObjectStoreError(.protocolViolated, "\(name) gave an unusable token") }
    let listed = try await request("GET", endpoint, Self.roles, session)
    // An instance without a role.
    if listed.status == 404 { return nil }
    guard listed.head.isSuccess, let role = listed.text.split(whereSeparator: \.isNewline).first else {
      throw ObjectStoreError(.unavailable, "\(name) answered \(listed.status) when asked for the instance's role")
    }
    return try issued(
      try await request("GET", endpoint, Self.roles + PercentEncoding.encode(String(role)), session))
  }

  /// `2025-01-20T01:05:00Z`, fractions of a second allowed, as seconds since 1970.
  static func seconds(_ text: String) -> Int64? {
    Timestamp(text).map { $0.microseconds.flooredDivision(by: 1_000_000).quotient }
  }

  /// The document that container and instance endpoints answer with.
  private struct Document: Decodable {
    var AccessKeyId: String
    var SecretAccessKey: String
    var Token: String?
    var Expiration: String?
    var Code: String?
  }

  private func issued(_ answer: HTTPResponse) throws(ObjectStoreError) -> Issued<S3Credentials> {
    guard answer.head.isSuccess else {
      let kind: ObjectStoreError.Kind = HTTPError.isTransient(status: answer.status) ? .unavailable : .badCredentials
      throw ObjectStoreError(kind, "\(name) answered \(answer.status)")
    }
    let found: Document
    do { found = try JSONDecoder().decode(Document.self, from: Data(answer.body)) } catch {
      throw ObjectStoreError(.protocolViolated, "\(name) answered without credentials")
    }
    guard (found.Code ?? "Success") == "Success" else {
      throw ObjectStoreError(.badCredentials, "\(name) has no credentials: \(found.Code ?? "")")
    }
    let expiry = found.Expiration.map(Self.seconds)
    if case .some(nil) = expiry {
      throw ObjectStoreError(.protocolViolated, "\(name) answered with an end that is no time")
    }
    return Issued(
      S3Credentials(
        accessKeyID: found.AccessKeyId, secretAccessKey: found.SecretAccessKey, sessionToken: found.Token),
      expiresAt: expiry ?? nil)
  }

  private func request(
    _ method: String, _ endpoint: HTTPURL, _ path: String, _ headers: HTTPHeaders
  ) async throws -> HTTPResponse {
    let url = try HTTPURL(endpoint.origin + path)
    return try await client.execute(
      HTTPRequest(method, url, headers: headers, limits: Self.limits(connect: 2, total: 10)))
  }

  /// An address where nothing answers must not delay a start.
  private static func limits(connect: Int64, total: Int64) -> HTTPLimits {
    HTTPLimits(
      connectTime: .seconds(connect), totalTime: .seconds(total), maxBodyBytes: 1 << 20, maxRedirects: 0)
  }
}
