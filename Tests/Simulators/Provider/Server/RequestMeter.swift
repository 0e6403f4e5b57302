/// Counts one provider's requests.
package struct RequestMeter: Sendable {
  package private(set) var requests = 0
  package private(set) var inFlight = 0
  package private(set) var mostInFlight = 0
  /// The most requests that came within any one second.
  package private(set) var mostInOneSecond = 0
  package private(set) var first: ContinuousClock.Instant?
  package private(set) var last: ContinuousClock.Instant?
  /// By status.
  package private(set) var answers: [Int: Int] = [:]
  /// Those of the last second; `recent[oldest...]` count.
  private var recent: [ContinuousClock.Instant] = []
  private var oldest = 0

  mutating func began(at now: ContinuousClock.Instant) {
    requests += 1
    inFlight += 1
    mostInFlight = max(mostInFlight, inFlight)
    first = first ?? now
    last = now
    recent.append(now)
    while now - recent[oldest] >= .seconds(1) { oldest += 1 }
    mostInOneSecond = max(mostInOneSecond, recent.count - oldest)
    if oldest > 4_096, oldest * 2 > recent.count {
      recent.removeFirst(oldest)
      oldest = 0
    }
  }

  mutating func ended(_ status: Int) {
    inFlight -= 1
    answers[status, default: 0] += 1
  }
}
