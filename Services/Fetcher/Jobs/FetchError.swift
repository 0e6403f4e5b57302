import Core

/// Why a job gives no observation, besides errors of HTTP and Redis. The message holds no tokens, and quotes at most
/// 200 characters of a provider's text.
package typealias FetchError = CodedError<FetchErrorKind>

package enum FetchErrorKind: String, ErrorKind {
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
  /// It does not know the place any more from which it was asked to go on.
  case cursorStale = "cursor_stale"
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
  /// Our own count of the provider's day.
  case budgetSpent = "provider_budget_spent"
  /// Rate limits whose period the provider gives; their code is that of `rateLimited`.
  case minuteQuotaSpent, dayQuotaSpent
  /// It refuses a token that it gave: another one is asked for.
  case tokenEnded = "token_ended"
  /// It refuses the credentials.
  case refused = "provider_refused"
  case unreadable = "answer_unreadable"
  /// A message of unknown meaning.
  case unrecognised = "answer_unrecognised"
  case suspended = "provider_suspended"
  /// All of them failed.
  case providersDown = "providers_down"

  /// What a failure is about.
  package enum Subject: Hashable, Sendable {
    /// The task or its answer alone: a retry has the same result.
    case job
    /// The value of this time, which may still appear.
    case time
    case provider
  }

  package var subject: Subject {
    switch self {
    case .unknownMaterial, .unknownCountry, .unknownSource, .unexpectedCountry, .catalogueDiffers, .noSource,
      .symbolUnknown, .cursorStale, .requestRefused, .notEntitled,
      .implausible, .fromFuture, .unitRefused, .currencyRefused:
      .job
    case .noValue, .tooOld: .time
    case .rateLimited, .budgetSpent, .minuteQuotaSpent, .dayQuotaSpent, .tokenEnded,
      .refused, .unreadable, .unrecognised,
      .suspended, .providersDown:
      .provider
    }
  }
  package var isRateLimit: Bool { code == Self.rateLimited.rawValue }
  package var code: String {
    switch self {
    case .minuteQuotaSpent, .dayQuotaSpent: Self.rateLimited.rawValue
    default: rawValue
    }
  }
  package var errorClass: ErrorClass { subject == .job ? .data : .transient }
}
