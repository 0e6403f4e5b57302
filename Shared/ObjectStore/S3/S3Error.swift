import Core

/// S3's error codes (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
extension S3Store {
  static let codes: [ObjectStoreError.Kind: Set<String>] = [
    .slowDown: ["SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded"],
    .unavailable: ["InternalError", "ServiceUnavailable", "OperationAborted", "RequestTimeout", "NoSuchUpload"],
    .damagedInTransit: ["BadDigest", "XAmzContentSHA256Mismatch", "InvalidDigest", "IncompleteBody"],
    .noSuchKey: ["NoSuchKey"],
    .archived: ["InvalidObjectState"],
    .tiersUnsupported: ["InvalidStorageClass", "NotImplemented", "MethodNotAllowed"],
    .noSuchBucket: ["NoSuchBucket"],
    .tooLarge: ["EntityTooLarge", "MaxMessageLengthExceeded"],
    .invalidKey: ["KeyTooLongError", "InvalidURI"],
    .accessDenied: ["AccessDenied", "AllAccessDisabled", "AccountProblem"],
    .badCredentials: [
      "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "RequestTimeTooSkewed",
      "InvalidSecurity", "NotSignedUp", "MissingSecurityHeader",
    ],
    .wrongEndpoint: [
      "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect", "InvalidBucketName",
      "IllegalLocationConstraintException",
    ],
  ]
  static let advice: [ObjectStoreError.Kind: String] = [
    .badCredentials: "check the access key, the secret and the machine's clock",
    .accessDenied: "access is denied: check the access key and its policy",
    .archived: "the object is archived and has to be restored before it can be read",
    .tiersUnsupported: "this store does not do that",
    .noSuchBucket: "create the bucket or correct --object-store",
    .wrongEndpoint: "correct --aws-region or --s3-endpoint",
  ]
}
