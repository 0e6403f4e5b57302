import ArgumentParser
import Core
import HTTP
import ObjectStore
import Options

/// Where a request names its bucket.
package enum S3Addressing: String, CaseIterable, ExpressibleByArgument, Sendable {
  case auto, path, host

  func isPath(hasEndpoint: Bool) -> Bool { self == .path || self == .auto && hasEndpoint }
}

/// How the store encrypts objects at rest.
package enum S3Encryption: String, CaseIterable, ExpressibleByArgument, Sendable {
  /// With keys of the store.
  case aes256 = "AES256"
  /// With a key of the key management service.
  case kms = "aws:kms"
}

/// The flags of the object store.
package struct ObjectStoreOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Where files are kept: s3://bucket/prefix, az://container/prefix or file:///folder.", valueName: "url"))
  package var objectStore = "s3://souk"

  @Option(help: ArgumentHelp("URL of an S3 server other than Amazon's.", valueName: "url"))
  package var s3Endpoint: String?

  @Option(help: "Where the bucket is named; auto: in the path when --s3-endpoint is given, else in the host.")
  package var s3Addressing = S3Addressing.auto

  @Option(help: ArgumentHelp("Region that requests are signed for.", valueName: "name"))
  package var awsRegion = "us-east-1"

  @OptionGroup(title: "Credentials of the object store") package var credentials: CredentialOptions
  @OptionGroup(title: "Azure Blob Storage") package var azure: AzureOptions

  @Option(help: ArgumentHelp(
    "PEM file of the certificate authorities to trust for the endpoint of S3 or Azure.", valueName: "path"))
  package var s3CAFile: String?

  @Option(help: ArgumentHelp(
    "Longest time for one request to S3 or Azure, or one part of a large file.", valueName: "duration"))
  package var s3Timeout = DurationSetting(.seconds(120))

  @Option(help: ArgumentHelp("Files larger than this are sent in parts.", valueName: "size"))
  package var s3MultipartThreshold = ByteSize.mib(64)

  @Option(help: ArgumentHelp("Size of a part, 5MiB or more.", valueName: "size"))
  package var s3PartSize = ByteSize.mib(16)

  @Option(help: ArgumentHelp("Storage class of new objects, such as STANDARD_IA (default: the bucket's).",
                             valueName: "class"))
  package var s3StorageClass: String?

  @Option(name: .customLong("s3-sse"), help: "How the store encrypts new objects (default: as the bucket says).")
  package var s3Encryption: S3Encryption?

  @Option(name: .customLong("s3-sse-kms-key-id"),
          help: ArgumentHelp("Key of aws:kms (default: the account's own for S3).", valueName: "arn"))
  package var s3EncryptionKey: String?

  package init() {}

  /// The store these flags describe. Nothing is contacted yet.
  /// - Parameter lock: how long records cannot be deleted or changed.
  /// - Throws: `ObjectStoreError` or `Failure`, of class configuration, naming the flag.
  package func makeStore(home: String? = nil, lock: Duration? = nil) throws -> any ObjectStore {
    let location = try ObjectLocation(objectStore)
    switch location.kind {
    case .folder(let path):
      guard lock == nil else { throw invalid("--object-lock: \(location) is a folder, which locks nothing") }
      return try FileStore(path: path)
    case .s3(let bucket, let prefix): return try makeS3Store(bucket: bucket, prefix: prefix, home: home, lock: lock)
    case .azure(let host, let container, let prefix):
      try checkTransfers()
      var configuration = try azure.configuration(host: host, container: container, prefix: prefix)
      // Azure takes 5,000 MiB at once.
      configuration.blockThreshold = min(s3MultipartThreshold.bytes, 5_000 << 20)
      configuration.blockBytes = s3PartSize.bytes
      configuration.timeout = s3Timeout.duration
      configuration.lock = lock
      return try AzureStore(configuration, client: try makeClient("azure"))
    }
  }

  /// The store these flags describe, with its bucket or folder: a wrong one, or a wrong password, stops a service
  /// before it works.
  ///
  /// - Parameters:
  ///   - condition: of `/readyz`; nil for a service that finds out only when it reads its first object.
  ///   - creates: makes the bucket or folder when it is missing.
  ///   - lock: how long records cannot be deleted or changed.
  package func need(
    condition: String?, creates: Bool = false, lock: Duration? = nil
  ) -> Need<any ObjectStore> {
    Need(
      "object store", as: "the object store", condition: condition, open: { try makeStore(lock: lock) },
      check: { store in
        do {
          if creates, case .folder = store.location.kind { try await store.prepare() } else { try await store.check() }
          return "\(store.location) can be reached"
        } catch let error as ObjectStoreError where error.kind == .noSuchBucket && creates {
          return "\(store.location) is not there yet and will be made"
        }
      },
      prepare: { store in
        if creates { try await store.prepare() } else { try await store.check() }
        return "\(store.location)"
      },
      close: { $0.close() })
  }

  /// - Parameter name: of the client's metrics.
  private func makeClient(_ name: String) throws -> HTTPClient {
    // The operator named the endpoint: that it is private is expected.
    try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk/\(Souk.version)",
      certificateAuthorityFile: s3CAFile, name: name))
  }

  private func checkTransfers() throws {
    guard s3PartSize.bytes >= 5 << 20 else { throw invalid("--s3-part-size: \(s3PartSize) is under S3's 5MiB") }
    guard s3MultipartThreshold.bytes >= 5 << 20, s3MultipartThreshold.bytes <= 5 << 30 else {
      throw invalid("--s3-multipart-threshold: \(s3MultipartThreshold) is not between 5MiB and 5GiB")
    }
    guard s3Timeout.duration >= .seconds(1) else { throw invalid("--s3-timeout: \(s3Timeout) is under 1s") }
  }

  private func makeS3Store(bucket: String, prefix: String, home: String?, lock: Duration?) throws -> S3Store {
    try checkTransfers()
    var endpoint: HTTPURL?
    if let s3Endpoint {
      do { endpoint = try HTTPURL(s3Endpoint) } catch {
        throw invalid("--s3-endpoint: \(error.message); write it as http://host:port")
      }
      guard endpoint?.query == nil else { throw invalid("--s3-endpoint has a query; write it as http://host:port") }
    }
    let client = try makeClient("s3")
    var configuration = S3Configuration(
      bucket: bucket, credentials: try credentials.provider(region: awsRegion, client: client, home: home))
    configuration.prefix = prefix
    configuration.endpoint = endpoint
    configuration.region = awsRegion
    configuration.pathStyle = s3Addressing.isPath(hasEndpoint: endpoint != nil)
    configuration.multipartThreshold = s3MultipartThreshold.bytes
    configuration.partBytes = s3PartSize.bytes
    configuration.timeout = s3Timeout.duration
    configuration.objectHeaders = try objectHeaders
    configuration.lock = lock
    return try S3Store(configuration, client: client)
  }

  private var objectHeaders: HTTPHeaders {
    get throws {
      var headers: HTTPHeaders = [:]
      if let s3StorageClass { headers["x-amz-storage-class"] = s3StorageClass }
      if let s3Encryption { headers["x-amz-server-side-encryption"] = s3Encryption.rawValue }
      if let s3EncryptionKey {
        guard s3Encryption == .kms else { throw invalid("--s3-sse-kms-key-id needs --s3-sse aws:kms") }
        headers["x-amz-server-side-encryption-aws-kms-key-id"] = s3EncryptionKey
      }
      guard headers.areSafeToSend else {
        throw invalid("--s3-storage-class or --s3-sse-kms-key-id: not usable as a header")
      }
      return headers
    }
  }
}

func invalid(_ message: String) -> ObjectStoreError { ObjectStoreError(.invalidSetting, message) }

func url(_ text: String, _ flag: String) throws -> HTTPURL {
  do { return try HTTPURL(text) } catch { throw invalid("\(flag): \(error.message)") }
}
