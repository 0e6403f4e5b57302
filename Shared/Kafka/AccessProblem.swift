import Core

/// How long the same refusal has been met, question after question.
package struct RepeatedRefusal {
  private var first: (refusal: Refusal, at: ContinuousClock.Instant)?

  package init() {}

  /// - Parameter refusal: what a question met; nil for another trouble, which begins anew.
  /// - Returns: since when it was this refusal each time; nil without one.
  package mutating func note(_ refusal: Refusal?, now: ContinuousClock.Instant = .now) -> Duration? {
    if first?.refusal != refusal { first = refusal.map { ($0, now) } }
    return first.map { now - $0.at }
  }
}

/// Decides for one client whether a refusal lasts and the service has to stop, or may pass.
///
/// A denied topic or group is final at once. So is a refused login or certificate of a client that was never let in;
/// for one that was, only when it is reported again after the grace, because passwords are changed broker by broker.
/// What looks like a refusal but may be an outage (a port that hangs up) is final only before the first success, and
/// when it is reported again after three times the grace.
struct AccessProblem {
  let grace: Duration
  private var first: ContinuousClock.Instant?
  private var last: (error: KafkaError, at: ContinuousClock.Instant)?
  private var wasLetIn = false
  private var nextQuestion: ContinuousClock.Instant?

  init(grace: Duration) { self.grace = grace }

  mutating func note(_ error: KafkaError, now: ContinuousClock.Instant) {
    if first == nil { first = now }
    last = (error, now)
  }

  /// The cluster works for this client.
  /// - Returns: whether a problem had been reported.
  @discardableResult
  mutating func clear() -> Bool {
    defer { (wasLetIn, first, last, nextQuestion) = (true, nil, nil, nil) }
    return last != nil
  }

  /// The error to stop for; nil while the problem may pass.
  var lastingError: KafkaError? {
    guard let first, let last else { return nil }
    let isLasting = last.at - first >= grace
    guard let refusal = last.error.refusal else {
      return isLasting && last.error.errorClass == .configuration ? last.error : nil
    }
    if refusal.isDenial { return last.error }
    if refusal.isCertain { return wasLetIn && !isLasting ? nil : last.error }
    guard !wasLetIn, last.at - first >= grace * 3, refusal != .unknownHost else { return nil }
    return last.error.asConfiguration("it was reported again and again since the start")
  }

  /// Whether to ask the cluster if it still refuses: an idle client would not learn otherwise. At most every five
  /// seconds.
  mutating func needsProbe(now: ContinuousClock.Instant) -> Bool {
    guard let first, now - first >= grace, now >= nextQuestion ?? now else { return false }
    nextQuestion = now + .seconds(5)
    return true
  }
}

/// Whether the cluster lets one client in, as its thread learns it.
final class ClientAccess {
  private let client: ClientHandle
  private var problem = AccessProblem(grace: .seconds(10))
  private let onChange: (KafkaError?) -> Void

  /// - Parameter onChange: told each problem, and nil once there is none.
  init(_ client: ClientHandle, onChange: @escaping (KafkaError?) -> Void = { _ in }) {
    self.client = client
    self.onChange = onChange
  }

  func note(_ error: KafkaError) {
    problem.note(error, now: .now)
    onChange(error)
  }

  /// The client has done something that the cluster allows only after the login.
  func wasLetIn() { if problem.clear() { onChange(nil) } }

  /// - Returns: the error to stop for. Without traffic a client receives no news: only an answer shows that a refusal
  ///   is over.
  func lastingError() -> KafkaError? {
    if let error = problem.lastingError { return error }
    if problem.needsProbe(now: .now), (try? Metadata.all(client, within: .seconds(1))) != nil { wasLetIn() }
    return nil
  }
}
