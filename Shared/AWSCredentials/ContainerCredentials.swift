import HTTP

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
      headers["authorization"] = try CredentialFile.text(
        tokenFile, named: "--aws-container-authorization-token-file")
    } else if let token {
      headers["authorization"] = token
    }
    let answer = try await client.execute(HTTPRequest("GET", endpoint, headers: headers, limits: limits))
    return try CredentialFile.issued(answer, by: name)
  }
}
