import Core
import HTML
import HTTP
import ObjectStore

/// A role assumed with the token that an identity provider wrote into a file, as Kubernetes service accounts have it
/// (docs.aws.amazon.com/STS, AssumeRoleWithWebIdentity). The file is read each time: its token is renewed.
struct WebIdentityCredentials: CredentialSource {
  var tokenFile: String
  var roleARN: String
  var sessionName: String
  /// Of the security token service.
  var endpoint: HTTPURL
  var client: HTTPClient
  var limits: HTTPLimits

  var name: String { "the web identity of \(tokenFile)" }

  func fetch() async throws -> IssuedCredentials? {
    let token = try CredentialFile.text(tokenFile, named: "--aws-web-identity-token-file")
    let fields = [
      ("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleArn", roleARN),
      ("RoleSessionName", sessionName), ("WebIdentityToken", token),
    ]
    let answer = try await client.execute(HTTPRequest.form(
      endpoint, fields.map { (name: $0.0, value: $0.1) }, headers: ["accept": "application/xml"], limits: limits))
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
    return IssuedCredentials(
      credentials: S3Credentials(accessKeyID: id, secretAccessKey: secret, sessionToken: session), expiresAt: expiry)
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
}
