import Runtime

/// Why a job has no observation, beside what HTTP and Redis say themselves.
package struct FetchError: ClassifiedError, Hashable {
  package enum Kind: String, CaseIterable, Hashable, Sendable {
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
    /// It refuses our credentials.
    case refused = "provider_refused"
    case unreadable = "answer_unreadable"
    /// It says something that has none of these meanings.
    case unrecognised = "answer_unrecognised"
    case suspended = "provider_suspended"
    /// All of them failed.
    case providersDown = "providers_down"
  }

  /// What a failure is about.
  package enum Subject: Hashable, Sendable {
    /// The task or its answer alone: no other attempt ends otherwise.
    case job
    /// The value of this time, which may come.
    case time
    case provider
  }

  /// What a quota is counted over, as far as the provider says it.
  package enum Quota: Hashable, Sendable {
    case minute, day
  }

  package var kind: Kind
  /// Free of tokens. What a provider wrote is quoted, at most 200 characters of it.
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
