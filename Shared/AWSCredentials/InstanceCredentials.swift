import Core
import HTTP
import ObjectStore

/// The role of an EC2 instance, from its metadata service, version 2 only: a session token first, because version 1
/// answers any request that can be made to come from this machine.
struct InstanceCredentials: CredentialSource {
  var endpoint: HTTPURL
  var client: HTTPClient
  var limits: HTTPLimits

  var name: String { "the instance metadata at \(endpoint.origin)" }

  private static let roles = "/latest/meta-data/iam/security-credentials/"

  func fetch() async throws -> IssuedCredentials? {
    let token: HTTPResponse
    do {
      token = try await request("PUT", "/latest/api/token", ["x-aws-ec2-metadata-token-ttl-seconds": "21600"])
    } catch let error as HTTPError where error.isTransient {
      // Nothing answers: this is no instance.
      return nil
    }
    guard token.head.isSuccess, !token.body.isEmpty, token.body.count < 1024 else { return nil }
    let session: HTTPHeaders = ["x-aws-ec2-metadata-token": token.text]
    guard session.areSafeToSend else { throw ObjectStoreError(.protocolViolated, "\(name) gave an unusable token") }
    let listed = try await request("GET", Self.roles, session)
    // An instance without a role.
    if listed.status == 404 { return nil }
    guard listed.head.isSuccess, let role = listed.text.split(whereSeparator: \.isNewline).first else {
      throw ObjectStoreError(.unavailable, "\(name) answered \(listed.status) when asked for the instance's role")
    }
    return try CredentialFile.issued(
      try await request("GET", Self.roles + PercentEncoding.encode(String(role)), session), by: name)
  }

  private func request(_ method: String, _ path: String, _ headers: HTTPHeaders) async throws -> HTTPResponse {
    let url = try HTTPURL(endpoint.origin + path)
    return try await client.execute(HTTPRequest(method, url, headers: headers, limits: limits))
  }
}

/// The endpoint that ECS tasks and EKS pods are given.
struct ContainerCredentials: CredentialSource {
  var endpoint: HTTPURL
  /// Sent along as it is; a file is read each time, because its token is renewed.
  var token: String?
  var tokenFile: String?
  var client: HTTPClient
  var limits: HTTPLimits

  var name: String { "the container endpoint \(endpoint)" }

  func fetch() async throws -> IssuedCredentials? {
    var headers: HTTPHeaders = ["accept": "application/json"]
    if let tokenFile {
      headers["authorization"] = try CredentialFile.text(tokenFile, named: "--aws-container-authorization-token-file")
    } else if let token {
      headers["authorization"] = token
    }
    let answer = try await client.execute(HTTPRequest("GET", endpoint, headers: headers, limits: limits))
    return try CredentialFile.issued(answer, by: name)
  }
}
