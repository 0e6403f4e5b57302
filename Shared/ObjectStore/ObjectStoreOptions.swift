import ArgumentParser
import HTTP
import Runtime

/// Where a request names its bucket.
package enum S3Addressing: String, CaseIterable, ExpressibleByArgument, Sendable {
  case auto, path, host

  func isPath(hasEndpoint: Bool) -> Bool { self == .path || self == .auto && hasEndpoint }
}

/// The flags of the object store.
package struct ObjectStoreOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Where files are kept: s3://bucket/prefix or file:///folder.", valueName: "url"))
  package var objectStore = "s3://souk"

  @Option(help: ArgumentHelp("URL of an S3 server other than Amazon's.", valueName: "url"))
  package var s3Endpoint: String?

  @Option(help: "Where the bucket is named; auto: in the path when --s3-endpoint is given, else in the host.")
  package var s3Addressing = S3Addressing.auto

  @Option(help: ArgumentHelp("Region that requests are signed for.", valueName: "name"))
  package var awsRegion = "us-east-1"

  @Option(help: ArgumentHelp("Access key; without it, the profile of the shared credentials file.", valueName: "id"))
  package var awsAccessKeyID: String?

  @Option(help: ArgumentHelp("Secret of the access key.", valueName: "secret"))
  package var awsSecretAccessKey: String?

  @Option(help: ArgumentHelp("Token of temporary credentials.", valueName: "token"))
  package var awsSessionToken: String?

  @Option(help: ArgumentHelp("Profile of the shared credentials file.", valueName: "name"))
  package var awsProfile = "default"

  @Option(help: ArgumentHelp("Shared credentials file.", valueName: "path"))
  package var awsSharedCredentialsFile: String?

  @Option(help: ArgumentHelp(
    "PEM file of the certificate authorities to trust for the S3 endpoint.", valueName: "path"))
  package var s3CAFile: String?

  @Option(help: ArgumentHelp("Longest time for one request, or one part of a large file.", valueName: "duration"))
  package var s3Timeout = DurationSetting(.seconds(120))

  @Option(help: ArgumentHelp("Files larger than this are sent in parts.", valueName: "size"))
  package var s3MultipartThreshold = ByteSize.mib(64)

  @Option(help: ArgumentHelp("Size of a part, 5MiB or more.", valueName: "size"))
  package var s3PartSize = ByteSize.mib(16)

  package init() {}

  /// The store these flags describe. Nothing is contacted yet.
  /// - Throws: `ObjectStoreError` or `Failure`, of class configuration, naming the flag.
  package func makeStore(home: String? = nil) throws -> any ObjectStore {
    let location = try ObjectLocation(objectStore)
    switch location.kind {
    case .folder(let path): return try FileStore(path: path)
    case .s3(let bucket, let prefix): return try makeS3Store(bucket: bucket, prefix: prefix, home: home)
    }
  }

  private func makeS3Store(bucket: String, prefix: String, home: String?) throws -> S3Store {
    guard s3PartSize.bytes >= 5 << 20 else { throw invalid("--s3-part-size: \(s3PartSize) is under S3's 5MiB") }
    guard s3MultipartThreshold.bytes >= 5 << 20, s3MultipartThreshold.bytes <= 5 << 30 else {
      throw invalid("--s3-multipart-threshold: \(s3MultipartThreshold) is not between 5MiB and 5GiB")
    }
    guard s3Timeout.duration >= .seconds(1) else { throw invalid("--s3-timeout: \(s3Timeout) is under 1s") }
    var endpoint: HTTPURL?
    if let s3Endpoint {
      do { endpoint = try HTTPURL(s3Endpoint) } catch {
        throw invalid("--s3-endpoint: \(error.message); write it as http://host:port")
      }
      guard endpoint?.query == nil else { throw invalid("--s3-endpoint has a query; write it as http://host:port") }
    }
    let configuration = S3Configuration(
      bucket: bucket, prefix: prefix, endpoint: endpoint, region: awsRegion, credentials: try credentials(home: home),
      pathStyle: s3Addressing.isPath(hasEndpoint: endpoint != nil), multipartThreshold: s3MultipartThreshold.bytes,
      partBytes: s3PartSize.bytes, timeout: s3Timeout.duration)
    // The operator named the endpoint: that it is private is expected.
    let client = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk/\(Souk.version)",
      certificateAuthorityFile: s3CAFile, name: "s3"))
    return try S3Store(configuration, client: client)
  }

  private func credentials(home: String?) throws -> S3Credentials {
    switch (awsAccessKeyID, awsSecretAccessKey) {
    case (let id?, let secret?):
      return S3Credentials(accessKeyID: id, secretAccessKey: secret, sessionToken: awsSessionToken)
    case (.some, nil):
      throw invalid("--aws-access-key-id is given without --aws-secret-access-key")
    case (nil, .some):
      throw invalid("--aws-secret-access-key is given without --aws-access-key-id")
    case (nil, nil):
      break
    }
    let home = home ?? Environment.value("HOME")
    guard let path = awsSharedCredentialsFile ?? home.map({ $0 + "/.aws/credentials" }) else {
      throw missingCredentials
    }
    guard let bytes = try? readFile(path, limit: 1 << 20) else {
      if awsSharedCredentialsFile != nil { throw invalid("--aws-shared-credentials-file: cannot read \(path)") }
      throw missingCredentials
    }
    guard let found = SharedCredentials.parse(String(decoding: bytes, as: UTF8.self), profile: awsProfile) else {
      throw invalid("--aws-profile: \(path) has no complete profile '\(awsProfile)'")
    }
    return found
  }

  private var missingCredentials: ObjectStoreError {
    invalid("no credentials for \(objectStore): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of "
      + "the shared credentials file")
  }

  private func invalid(_ message: String) -> ObjectStoreError { ObjectStoreError(.invalidSetting, message) }
}
