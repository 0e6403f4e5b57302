import Core

/// A failure of an object store. Errors of the connection (sockets, timeouts) stay `HTTPError`s, except refused
/// certificates, which here are errors of the configuration.
package typealias ObjectStoreError = CodedError<ObjectStoreErrorKind>

package enum ObjectStoreErrorKind: String, ErrorKind {
  // transient
  case slowDown = "store_busy"
  case unavailable = "store_unavailable"
  case damagedInTransit = "store_body_damaged"
  case truncated = "store_body_truncated"
  case diskFull = "store_full"
  // data
  case noSuchKey = "object_not_found"
  case invalidKey = "object_key_invalid"
  case outsideStore = "object_outside_store"
  case tooLarge = "object_too_large"
  case refused = "store_refused_request"
  case archived = "object_archived"
  case exists = "object_exists"
  // configuration
  case noSuchBucket = "bucket_not_found"
  case accessDenied = "store_access_denied"
  case badCredentials = "store_credentials_refused"
  case wrongEndpoint = "store_endpoint_wrong"
  case invalidSetting = "invalid_setting"
  case tiersUnsupported = "store_without_tiers"
  // fatal
  case protocolViolated = "store_answer_unreadable"
  case inputOutput = "store_io_failed"

  package var errorClass: ErrorClass {
    switch self {
    case .slowDown, .unavailable, .damagedInTransit, .truncated, .diskFull: .transient
    case .noSuchKey, .invalidKey, .outsideStore, .tooLarge, .refused, .archived, .exists: .data
    case .noSuchBucket, .accessDenied, .badCredentials, .wrongEndpoint, .invalidSetting, .tiersUnsupported:
      .configuration
    case .protocolViolated, .inputOutput: .fatal
    }
  }
}
