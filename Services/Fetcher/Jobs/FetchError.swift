import Runtime

/// Why a job gives no observation, besides errors of HTTP and Redis.
package struct FetchError: ClassifiedError, Hashable {
  package enum Kind: String, CaseIterable, Hashable, Sendable {
    // the task: it can never succeed
    case unknownMaterial = "unknown_material"
    case unknownCountry = "unknown_country"
    case unknownSource = "unknown_source"
    /// A country for a material of the world market.
    case unexpectedCountry = "country_unexpected"
    /// The task's region or category differs from the catalogue's.
    case catalogueDiffers = "catalogue_differs"
    /// No provider has the material or the task.
    case noSource = "no_source"

    // this job's answer: tries the next provider; a dead letter when none has a better one
    case symbolUnknown = "symbol_unknown"
    /// The provider refuses the catalogue's request.
    case requestRefused = "request_refused"
    /// The key's plan does not include it.
    case notEntitled = "not_entitled"
    case implausible = "value_implausible"
    case fromFuture = "value_from_future"
    case unitRefused = "unit_refused"
    case currencyRefused = "currency_refused"

    // no data yet: retried until the job's deadline
    case noValue = "answer_without_value"
    case tooOld = "value_too_old"

    // the provider: tries the next one, and this one again after it recovers
    case rateLimited = "provider_rate_limited"
    /// It refuses the credentials.
    case refused = "provider_refused"
    case unreadable = "answer_unreadable"
    /// A message of unknown meaning.
    case unrecognised = "answer_unrecognised"
    case suspended = "provider_suspended"
    /// All of them failed.
    case providersDown = "providers_down"
  }

  /// What a failure is about.
  package enum Subject: Hashable, Sendable {
    /// The task or its answer alone: a retry has the same result.
    case job
    /// The value of this time, which may still appear.
    case time
    case provider
  }

  /// The period of a quota, as far as the provider gives it.
  package enum Quota: Hashable, Sendable {
    case minute, day
  }

  package var kind: Kind
  /// Without tokens; quotes at most 200 characters of a provider's text.
  package var message: String
  package var retryAfter: Duration?
  package var quota: Quota?

  package init(_ kind: Kind, _ message: String, retryAfter: Duration? = nil, quota: Quota? = nil) {
    self.kind = kind
    self.message = message
    self.retryAfter = retryAfter
    self.quota = quota
  }

  package var code: String { kind.rawValue }
  package var subject: Subject {
    switch kind {
    case .unknownMaterial, .unknownCountry, .unknownSource, .unexpectedCountry, .catalogueDiffers, .noSource,
      .symbolUnknown, .requestRefused, .notEntitled, .implausible, .fromFuture, .unitRefused, .currencyRefused:
      .job
    case .noValue, .tooOld: .time
    case .rateLimited, .refused, .unreadable, .unrecognised, .suspended, .providersDown: .provider
    }
  }
  package var errorClass: ErrorClass { subject == .job ? .data : .transient }
  package var description: String { "\(message) [\(code)]" }
}
