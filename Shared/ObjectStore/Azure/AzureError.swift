import Core
import HTML
import HTTP

extension ObjectStoreError {
  /// The closed table of Azure's error codes (learn.microsoft.com/rest/api/storageservices/blob-service-error-codes and
  /// common-rest-api-error-codes); a code that is not in it goes by its status.
  ///
  /// - Parameter what: what was tried, for people: `PUT files/…`.
  init(azure head: HTTPResponseHead, body: [UInt8], what: String) {
    // The header is there also where an answer has no body.
    let code = head.headers["x-ms-error-code"] ?? XMLElement(document: body)?["Code"] ?? ""
    let kind = Self.azureKind(code: code, status: head.status)
    var text = "\(what): the store answered \(head.status)\(code.isEmpty ? "" : " \(code)")"
    switch kind {
    case .badCredentials: text += "; check the account, its key or signature, and the machine's clock"
    case .accessDenied: text += "; the key or signature gives no right to this"
    case .noSuchBucket: text += "; create the container or correct --object-store"
    case .wrongEndpoint: text += "; correct --azure-storage-account or --azure-storage-service-endpoint"
    case .tiersUnsupported: text += "; this account does not have that tier"
    case .archived: text += "; the blob is archived and has to be rehydrated before it can be read"
    default: break
    }
    self.init(kind, text, retryAfter: head.headers["retry-after"].flatMap { RetryAfter.delay($0) })
  }

  static func azureKind(code: String, status: Int) -> Kind {
    switch code {
    case "ServerBusy": .slowDown
    case "InternalError", "OperationTimedOut", "ContainerBeingDeleted", "AccountBeingCreated": .unavailable
    case "Md5Mismatch", "Crc64Mismatch": .damagedInTransit
    case "BlobNotFound": .noSuchKey
    case "ContainerNotFound", "ContainerDisabled": .noSuchBucket
    case "BlobAlreadyExists", "ContainerAlreadyExists": .exists
    case "BlobArchived", "BlobBeingRehydrated": .archived
    case "RequestBodyTooLarge", "BlockCountExceedsLimit", "BlockListTooLong": .tooLarge
    case "InvalidUri", "OutOfRangeInput", "InvalidResourceName": .invalidKey
    case "FeatureNotSupported", "AccessTierNotSupported", "InvalidBlobTier", "BlobAccessTierNotSupportedForAccountType":
      .tiersUnsupported
    case "AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation": .badCredentials
    case "AuthorizationFailure", "AuthorizationPermissionMismatch", "AuthorizationProtocolMismatch",
         "AuthorizationResourceTypeMismatch", "AuthorizationServiceMismatch", "AuthorizationSourceIPMismatch",
         "InsufficientAccountPermissions", "AccountIsDisabled", "KeyBasedAuthenticationNotPermitted",
         "BlobImmutableDueToPolicy", "PublicAccessNotPermitted": .accessDenied
    case "ResourceTypeMismatch", "ResourceNotFound", "AccountRequiresHttps", "UnsupportedHttpVerb": .wrongEndpoint
    default: kind(code: "", status: status)
    }
  }
}
