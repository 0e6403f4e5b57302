import Core
import HTML
import HTTP

/// What is read in the XML documents that Azure answers with; elements it does not know are ignored.
struct AzureAnswer {
  struct Blob: Equatable {
    var name = ""
    var size = 0
    var etag: String?
    /// Accounts with a hierarchical namespace list folders too.
    var isFolder = false
  }
  /// The name of the outermost element.
  var root: String
  var code: String?
  var nextMarker: String?
  var blobs: [Blob] = []

  /// - Returns: nil when the bytes are not such a document.
  init?(_ bytes: [UInt8]) {
    guard let document = XMLElement(document: bytes) else { return nil }
    root = document.name
    for element in document.children {
      switch element.name {
      case "Code": code = element.text
      case "NextMarker": nextMarker = element.text
      case "Blobs":
        for child in element.children where child.name == "Blob" {
          guard let blob = Blob(child) else { return nil }
          blobs.append(blob)
        }
      default: break
      }
    }
  }
}

extension AzureAnswer.Blob {
  /// - Returns: nil when the size is no size.
  fileprivate init?(_ element: XMLElement) {
    for child in element.children {
      if child.name == "Name" { name = child.text }
      for property in child.children where child.name == "Properties" {
        switch property.name {
        case "Etag": etag = property.text
        case "ResourceType": isFolder = property.text == "directory"
        case "Content-Length":
          guard let size = Int(property.text), size >= 0 else { return nil }
          self.size = size
        default: break
        }
      }
    }
  }
}

extension ObjectStoreError {
  /// The closed table of Azure's error codes (learn.microsoft.com/rest/api/storageservices/blob-service-error-codes and
  /// common-rest-api-error-codes); a code that is not in it goes by its status.
  ///
  /// - Parameter what: what was tried, for people: `PUT files/…`.
  init(azure head: HTTPResponseHead, body: [UInt8], what: String) {
    // The header is there also where an answer has no body.
    let code = head.headers["x-ms-error-code"] ?? AzureAnswer(body)?.code ?? ""
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
    case "InvalidRange": .rangeOutside
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
