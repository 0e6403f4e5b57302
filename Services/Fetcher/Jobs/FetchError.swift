import Runtime

/// Why a job has no observation, beside what HTTP and Redis say themselves.
package struct FetchError: ClassifiedError, Hashable {
  package enum Kind: String, CaseIterable, Hashable, Sendable {
    // data: the job can never succeed
    case unknownMaterial = "unknown_material"
    case unknownCountry = "unknown_country"
    case unknownSource = "unknown_source"
    /// A country for a material of the world's market.
    case unexpectedCountry = "country_unexpected"
    /// The job names a region or category that the catalogue does not have for it.
    case catalogueDiffers = "catalogue_differs"
    /// No provider has the material, or the task.
    case noSource = "no_source"
    /// Every provider says that it does not know the symbol.
    case symbolUnknown = "symbol_unknown"

    // transient: a provider failed, the next one is asked
    case rateLimited = "provider_rate_limited"
    case refused = "provider_refused"
    case unreadable = "answer_unreadable"
    case noValue = "answer_without_value"
    case implausible = "value_implausible"
    case fromFuture = "value_from_future"
    case tooOld = "value_too_old"
    case suspended = "provider_suspended"
    /// All of them failed.
    case providersDown = "providers_down"
  }

  package var kind: Kind
  /// Free of tokens and of what a provider wrote.
  package var message: String
  package var retryAfter: Duration?

  package init(_ kind: Kind, _ message: String, retryAfter: Duration? = nil) {
    self.kind = kind
    self.message = message
    self.retryAfter = retryAfter
  }

  package var code: String { kind.rawValue }
  package var errorClass: ErrorClass {
    switch kind {
    case .unknownMaterial, .unknownCountry, .unknownSource, .unexpectedCountry, .catalogueDiffers, .noSource,
      .symbolUnknown:
      .data
    case .rateLimited, .refused, .unreadable, .noValue, .implausible, .fromFuture, .tooOld, .suspended, .providersDown:
      .transient
    }
  }
  package var description: String { "\(message) [\(code)]" }
}
