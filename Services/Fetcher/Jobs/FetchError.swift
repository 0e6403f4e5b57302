import Runtime

/// Why a job has no observation, beside what HTTP and Redis say themselves. The message holds no tokens; of what a
/// provider wrote it quotes at most 200 characters.
package typealias FetchError = CodedError<FetchErrorKind>

package enum FetchErrorKind: String, ErrorKind {
  // the task: it can never succeed
  case unknownMaterial = "unknown_material"
  case unknownCountry = "unknown_country"
  case unknownSource = "unknown_source"
  /// A country for a material of the world's market.
  case unexpectedCountry = "country_unexpected"
  /// The job names a region or category that the catalogue does not have for it.
  case catalogueDiffers = "catalogue_differs"
  /// No provider has the material, or the task.
  case noSource = "no_source"

  // this job's answer: the next provider is asked; a dead letter when none has a better one
  case symbolUnknown = "symbol_unknown"
  /// The provider does not do what the catalogue's URL asks of it.
  case requestRefused = "request_refused"
  /// The plan of our key does not have it.
  case notEntitled = "not_entitled"
  case implausible = "value_implausible"
  case fromFuture = "value_from_future"
  case unitRefused = "unit_refused"
  case currencyRefused = "currency_refused"

  // no data yet: asked again until the job's deadline
  case noValue = "answer_without_value"
  case tooOld = "value_too_old"

  // the provider: the next one is asked, and this one again when it is well
  case rateLimited = "provider_rate_limited"
  /// Rate limits whose period the provider names; their code is that of `rateLimited`.
  case minuteQuotaSpent, dayQuotaSpent
  /// It refuses our credentials.
  case refused = "provider_refused"
  case unreadable = "answer_unreadable"
  /// It says something that has none of these meanings.
  case unrecognised = "answer_unrecognised"
  case suspended = "provider_suspended"
  /// All of them failed.
  case providersDown = "providers_down"

  /// What a failure is about.
  package enum Subject: Hashable, Sendable {
    /// The task or its answer alone: no other attempt ends otherwise.
    case job
    /// The value of this time, which may come.
    case time
    case provider
  }

  package var subject: Subject {
    switch self {
    case .unknownMaterial, .unknownCountry, .unknownSource, .unexpectedCountry, .catalogueDiffers, .noSource,
      .symbolUnknown, .requestRefused, .notEntitled, .implausible, .fromFuture, .unitRefused, .currencyRefused:
      .job
    case .noValue, .tooOld: .time
    case .rateLimited, .minuteQuotaSpent, .dayQuotaSpent, .refused, .unreadable, .unrecognised, .suspended,
      .providersDown:
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
