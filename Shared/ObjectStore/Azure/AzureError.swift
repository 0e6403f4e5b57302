import Core

/// Azure's error codes (learn.microsoft.com/rest/api/storageservices/blob-service-error-codes and
/// common-rest-api-error-codes).
extension AzureStore {
  static let codes: [ObjectStoreError.Kind: Set<String>] = [
    .slowDown: ["ServerBusy"],
    .unavailable: ["InternalError", "OperationTimedOut", "ContainerBeingDeleted", "AccountBeingCreated"],
    .damagedInTransit: ["Md5Mismatch", "Crc64Mismatch"],
    .noSuchKey: ["BlobNotFound"],
    .noSuchBucket: ["ContainerNotFound", "ContainerDisabled"],
    .exists: ["BlobAlreadyExists", "ContainerAlreadyExists"],
    .archived: ["BlobArchived", "BlobBeingRehydrated"],
    .tooLarge: ["RequestBodyTooLarge", "BlockCountExceedsLimit", "BlockListTooLong"],
    .invalidKey: ["InvalidUri", "OutOfRangeInput", "InvalidResourceName"],
    .tiersUnsupported: [
      "FeatureNotSupported", "AccessTierNotSupported", "InvalidBlobTier", "BlobAccessTierNotSupportedForAccountType",
    ],
    .badCredentials: ["AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"],
    .accessDenied: [
      "AuthorizationFailure", "AuthorizationPermissionMismatch", "AuthorizationProtocolMismatch",
      "AuthorizationResourceTypeMismatch", "AuthorizationServiceMismatch", "AuthorizationSourceIPMismatch",
      "InsufficientAccountPermissions", "AccountIsDisabled", "KeyBasedAuthenticationNotPermitted",
      "BlobImmutableDueToPolicy", "PublicAccessNotPermitted",
    ],
    .wrongEndpoint: ["ResourceTypeMismatch", "ResourceNotFound", "AccountRequiresHttps", "UnsupportedHttpVerb"],
  ]
  static let advice: [ObjectStoreError.Kind: String] = [
    .badCredentials: "check the account, its key or signature, and the machine's clock",
    .accessDenied: "the key or signature gives no right to this",
    .noSuchBucket: "create the container or correct --object-store",
    .wrongEndpoint: "correct --azure-storage-account or --azure-storage-service-endpoint",
    .tiersUnsupported: "this account does not have that tier",
    .archived: "the blob is archived and has to be rehydrated before it can be read",
  ]
}
