import Core
import HTML
import HTTP

extension ObjectStoreError {
  /// The closed table of S3's error codes (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html); a code
  /// that is not in it goes by its status.
  ///
  /// - Parameter what: what was tried, for people: `put files/…`.
  init(s3 answer: XMLElement?, head: HTTPResponseHead, what: String) {
    let code = answer?["Code"] ?? ""
    let kind = Self.kind(code: code, status: head.status)
    let retryAfter = head.headers["retry-after"].flatMap { RetryAfter.delay($0) }
    var text = "\(what): the store answered \(head.status)\(code.isEmpty ? "" : " \(code)")"
    switch kind {
    case .badCredentials: text += "; check the access key, the secret and the machine's clock"
    case .accessDenied: text += "; access is denied: check the access key and its policy"
    case .archived: text += "; the object is archived and has to be restored before it can be read"
    case .tiersUnsupported: text += "; this store does not do that"
    case .noSuchBucket: text += "; create the bucket or correct --object-store"
    case .wrongEndpoint:
      let region = head.headers["x-amz-bucket-region"] ?? answer?["Region"]
      text += "; correct --aws-region or --s3-endpoint" + (region.map { " (the bucket is in \($0))" } ?? "")
    default: break
    }
    self.init(kind, text, retryAfter: retryAfter)
  }

  static func kind(code: String, status: Int) -> Kind {
    switch code {
    case "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded": .slowDown
    case "InternalError", "ServiceUnavailable", "OperationAborted", "RequestTimeout", "NoSuchUpload": .unavailable
    case "BadDigest", "XAmzContentSHA256Mismatch", "InvalidDigest", "IncompleteBody": .damagedInTransit
    case "NoSuchKey": .noSuchKey
    case "InvalidObjectState": .archived
    case "InvalidStorageClass", "NotImplemented", "MethodNotAllowed": .tiersUnsupported
    case "NoSuchBucket": .noSuchBucket
    case "EntityTooLarge", "MaxMessageLengthExceeded": .tooLarge
    case "KeyTooLongError", "InvalidURI": .invalidKey
    case "AccessDenied", "AllAccessDisabled", "AccountProblem": .accessDenied
    case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "RequestTimeTooSkewed",
         "InvalidSecurity", "NotSignedUp", "MissingSecurityHeader": .badCredentials
    case "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect", "InvalidBucketName",
         "IllegalLocationConstraintException": .wrongEndpoint
    default: kind(status: status)
    }
  }

  private static func kind(status: Int) -> Kind {
    switch status {
    case 429, 503: .slowDown
    case _ where HTTPError.isTransient(status: status): .unavailable
    case 404: .noSuchKey
    case 401, 403: .accessDenied
    case 300...399: .wrongEndpoint
    case 413: .tooLarge
    case 400...499: .refused
    default: .protocolViolated
    }
  }
}
