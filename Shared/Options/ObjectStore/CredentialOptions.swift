import ArgumentParser
import AWSCredentials
import Core
import Glibc
import HTTP
import ObjectStore
import Options

/// Whose credentials sign requests to S3. The names are those of AWS's own tools.
package struct CredentialOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Access key; without it, the places of the options below, in their order.", valueName: "id"),
    completion: .secret)
  package var awsAccessKeyID: String?

  @Option(help: ArgumentHelp("Secret of the access key.", valueName: "secret"), completion: .secret)
  package var awsSecretAccessKey: String?

  @Option(help: ArgumentHelp("Token of temporary credentials.", valueName: "token"), completion: .secret)
  package var awsSessionToken: String?

  @Option(help: ArgumentHelp("File with a web identity token, to assume --aws-role-arn with.", valueName: "path"))
  package var awsWebIdentityTokenFile: String?

  @Option(
    name: .customLong("aws-role-arn"),
    help: ArgumentHelp("Role to assume with the web identity.", valueName: "arn"))
  package var awsRoleARN: String?

  @Option(help: ArgumentHelp("Name of the session in AWS's logs.", valueName: "name"))
  package var awsRoleSessionName = "souk"

  @Option(
    name: .customLong("aws-endpoint-url-sts"),
    help: ArgumentHelp("Security token service (default: Amazon's of the region).", valueName: "url"))
  package var awsEndpointURLSTS: String?

  @Option(help: ArgumentHelp("Profile of the shared credentials file.", valueName: "name"))
  package var awsProfile = "default"

  @Option(help: ArgumentHelp("Shared credentials file (default: ~/.aws/credentials).", valueName: "path"))
  package var awsSharedCredentialsFile: String?

  @Option(
    name: .customLong("aws-container-credentials-relative-uri"),
    help: ArgumentHelp("Path of the credentials at the container endpoint of ECS.", valueName: "path"))
  package var awsContainerCredentialsRelativeURI: String?

  @Option(
    name: .customLong("aws-container-credentials-full-uri"),
    help: ArgumentHelp("Container endpoint: https, this machine, or an address of ECS or EKS.", valueName: "url"))
  package var awsContainerCredentialsFullURI: String?

  @Option(help: ArgumentHelp("Sent to the container endpoint.", valueName: "token"))
  package var awsContainerAuthorizationToken: String?

  @Option(help: ArgumentHelp("File with what is sent to the container endpoint.", valueName: "path"))
  package var awsContainerAuthorizationTokenFile: String?

  @Flag(name: .customLong("aws-ec2-metadata-disabled"), help: "Do not ask the instance's metadata service.")
  package var awsEC2MetadataDisabled = false

  @Option(
    name: .customLong("aws-ec2-metadata-service-endpoint"),
    help: ArgumentHelp("The instance's metadata service.", valueName: "url"))
  package var awsEC2MetadataServiceEndpoint = CredentialPlace.instanceEndpoint

  package init() {}

  /// - Parameters:
  ///   - client: for the services that issue credentials.
  ///   - home: of the user, for the shared file.
  /// - Throws: `ObjectStoreError` of class configuration, naming the flag.
  func provider(region: String, client: HTTPClient, home: String?) throws -> any CredentialProvider {
    switch (awsAccessKeyID, awsSecretAccessKey) {
    case (let id?, let secret?):
      let given = GivenCredentials(
        id: Secret(id), secret: Secret(secret), token: awsSessionToken.map { Secret($0) })
      _ = try given.read()
      return given
    case (.some, nil): throw invalid("--aws-access-key-id is given without --aws-secret-access-key")
    case (nil, .some): throw invalid("--aws-secret-access-key is given without --aws-access-key-id")
    case (nil, nil): break
    }
    var places: [CredentialPlace] = []
    if let awsWebIdentityTokenFile {
      guard let awsRoleARN else { throw invalid("--aws-web-identity-token-file is given without --aws-role-arn") }
      places.append(.webIdentity(
        tokenFile: awsWebIdentityTokenFile, roleARN: awsRoleARN, sessionName: awsRoleSessionName,
        endpoint: try url(awsEndpointURLSTS ?? "https://sts.\(region).amazonaws.com/", "--aws-endpoint-url-sts")))
    }
    let home = home ?? getenv("HOME").map { String(cString: $0) }
    if let path = awsSharedCredentialsFile ?? home.map({ $0 + "/.aws/credentials" }) {
      places.append(.sharedFile(
        path: path, profile: awsProfile, isRequired: awsSharedCredentialsFile != nil || awsProfile != "default"))
    }
    if let container = try containerEndpoint() {
      places.append(.container(
        endpoint: container, token: awsContainerAuthorizationToken, tokenFile: awsContainerAuthorizationTokenFile))
    }
    if !awsEC2MetadataDisabled {
      places.append(.instance(
        endpoint: try url(awsEC2MetadataServiceEndpoint, "--aws-ec2-metadata-service-endpoint")))
    }
    return CredentialChain(places, client: client)
  }

  private func containerEndpoint() throws -> HTTPURL? {
    if let path = awsContainerCredentialsRelativeURI {
      guard path.hasPrefix("/") else { throw invalid("--aws-container-credentials-relative-uri begins with a slash") }
      return try url("http://169.254.170.2" + path, "--aws-container-credentials-relative-uri")
    }
    guard let full = awsContainerCredentialsFullURI else { return nil }
    let endpoint = try url(full, "--aws-container-credentials-full-uri")
    guard CredentialPlace.isContainerEndpoint(endpoint) else {
      throw invalid(
        "--aws-container-credentials-full-uri: \(endpoint.origin) is neither https, nor this machine, nor an address "
          + "of ECS or EKS")
    }
    return endpoint
  }
}

/// Credentials of the settings, which are read again when a file that holds one changes.
private struct GivenCredentials: CredentialProvider {
  var id: Secret
  var secret: Secret
  var token: Secret?

  func read() throws(Failure) -> S3Credentials {
    S3Credentials(
      accessKeyID: try id.resolve(), secretAccessKey: try secret.resolve(), sessionToken: try token?.resolve())
  }

  func current() async throws -> S3Credentials { try read() }

  /// The file may have changed since the request was signed.
  func refused(_ credentials: S3Credentials) async -> Bool { (try? read()).map { $0 != credentials } ?? false }
}
