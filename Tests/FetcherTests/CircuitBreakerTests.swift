@testable import FetcherService
import Testing

/// Every order of events up to a length, against the rules written down once more, without generations and tickets.
@Suite struct CircuitBreakerTests {
  private enum Event: CaseIterable {
    case admit, succeed, fail, abandon
    /// One second passes.
    case wait
  }

  /// Requests are remembered with the period of the breaker in which they began; an outcome of another period is void.
  private struct Reference {
    enum Mode: Equatable { case closed, open, half }
    var mode = Mode.closed
    var failures = 0
    var openedAt = 0
    var length = 0
    var nextLength = 2
    var probing = false
    var period = 0
    var time = 0

    mutating func admit() -> Int? {
      if mode == .open, time >= openedAt + length {
        (mode, probing) = (.half, false)
        period += 1
      }
      switch mode {
      case .closed: return period
      case .open: return nil
      case .half:
        if probing { return nil }
        probing = true
        return period
      }
    }

    mutating func ended(_ began: Int, _ event: Event) {
      guard began == period, mode != .open else { return }
      switch (mode, event) {
      case (.closed, .succeed): failures = 0
      case (.closed, .fail):
        failures += 1
        if failures == 2 { open() }
      case (.half, .succeed): (mode, failures, nextLength, period) = (.closed, 0, 2, period + 1)
      case (.half, .fail): open()
      case (.half, .abandon):
        probing = false
        period += 1
      default: break
      }
    }

    private mutating func open() {
      (mode, openedAt, length, probing) = (.open, time, nextLength, false)
      nextLength = min(3, nextLength * 2)
      period += 1
    }
  }

  @Test func everyOrderOfEventsFollowsTheRules() {
    let start = ContinuousClock.now
    let settings = CircuitBreaker.Settings(threshold: 2, openFor: .seconds(2), openAtMost: .seconds(3))
    var checked = 0

    func explore(
      _ breaker: CircuitBreaker, _ reference: Reference, _ open: [(ticket: CircuitBreaker.Ticket, began: Int)],
      _ path: [Event], depth: Int
    ) {
      checked += 1
      guard depth > 0 else { return }
      for event in Event.allCases {
        var (breaker, reference, open) = (breaker, reference, open)
        let now = start + .seconds(reference.time)
        switch event {
        case .wait: reference.time += 1
        case .admit:
          let expected = reference.admit()
          switch breaker.admit(at: now) {
          case .admitted(let ticket):
            guard let began = expected else {
              Issue.record("admitted, but must not: \(path)")
              return
            }
            open.append((ticket, began))
          case .refused(let until):
            #expect(expected == nil, "refused, but must not: \(path)")
            if let until { #expect(until > now) }
          }
        case .succeed, .fail, .abandon:
          // The oldest request: answers may come long after the breaker has moved on.
          guard let first = open.first else { continue }
          open.removeFirst()
          reference.ended(first.began, event)
          switch event {
          case .succeed: breaker.succeeded(first.ticket)
          case .fail: breaker.failed(first.ticket, at: now)
          default: breaker.abandoned(first.ticket)
          }
        }
        switch (breaker.state, reference.mode) {
        case (.closed(let failures), .closed): #expect(failures == reference.failures, "\(path + [event])")
        case (.open(let until), .open):
          #expect(until == start + .seconds(reference.openedAt + reference.length), "\(path + [event])")
        case (.halfOpen(let isProbing), .half): #expect(isProbing == reference.probing, "\(path + [event])")
        default: Issue.record("\(breaker.state) is not \(reference.mode) after \(path + [event])")
        }
        explore(breaker, reference, open, path + [event], depth: depth - 1)
      }
    }
    explore(CircuitBreaker(settings), Reference(), [], [], depth: 8)
    #expect(checked > 20_000)
  }

  @Test func theOpenTimeDoublesToItsBoundAndResetsWhenClosed() {
    var breaker = CircuitBreaker(.init(threshold: 1, openFor: .seconds(1), openAtMost: .seconds(5)))
    var now = ContinuousClock.now
    func fail() -> Duration {
      guard case .admitted(let ticket) = breaker.admit(at: now) else { return .zero }
      breaker.failed(ticket, at: now)
      guard case .open(let until) = breaker.state else { return .zero }
      defer { now = until }
      return until - now
    }
    #expect((0..<5).map { _ in fail() } == [1, 2, 4, 5, 5].map { .seconds($0) })
    guard case .admitted(let ticket) = breaker.admit(at: now) else {
      Issue.record("no probe")
      return
    }
    breaker.succeeded(ticket)
    #expect(fail() == .seconds(1))
  }

  @Test func refusedCredentialsOpenItAtOnce() throws {
    var breaker = CircuitBreaker(.init(threshold: 100, openFor: .seconds(5), openAtMost: .seconds(5)))
    let now = ContinuousClock.now
    guard case .admitted(let ticket) = breaker.admit(at: now) else {
      Issue.record("refused")
      return
    }
    breaker.refused(ticket, at: now)
    #expect(breaker.state == .open(until: now + .seconds(5)))
  }

  @Test func repeatedFailuresOfOneSubjectDoNotOpenIt() throws {
    var breaker = CircuitBreaker(.init(threshold: 3))
    let now = ContinuousClock.now
    func fail(_ subject: String) {
      if case .admitted(let ticket) = breaker.admit(at: now) { breaker.failed(ticket, at: now, of: subject) }
    }
    for _ in 0..<10 { fail("a") }
    #expect(breaker.state == .closed(failures: 1))
    fail("b")
    fail("c")
    #expect(breaker.state == .open(until: now + .seconds(5)))
  }
}
