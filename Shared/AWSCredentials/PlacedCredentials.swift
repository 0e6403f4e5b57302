import Core
import Foundation
import HTML
import HTTP
import ObjectStore

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
    let token = try CredentialFile.text(tokenFile, named: "--aws-web-identity-token-file")
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
      let session = document["SessionToken"], let expiry = document["Expiration"].flatMap(CredentialFile.seconds)
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
      headers["authorization"] = try CredentialFile.text(tokenFile, named: "--aws-container-authorization-token-file")
    } else if let token {
      headers["authorization"] = token
    }
    let answer = try await client.execute(HTTPRequest(
      "GET", endpoint, headers: headers, limits: Self.limits(connect: 2, total: 10)))
    return try CredentialFile.issued(answer, by: name)
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
    return try CredentialFile.issued(
      try await request("GET", endpoint, Self.roles + PercentEncoding.encode(String(role)), session), by: name)
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
