import Pipeline
import Testing

@Suite struct DeadLetterBudgetTests {
  let start = ContinuousClock.now

  @Test func stopsAboveTheCapAndRefillsOverTheWindow() {
    var budget = DeadLetterBudget(limit: 10, window: .seconds(60))
    for _ in 0..<10 { expect(budget.spend(at: start)) }
    expect(!budget.spend(at: start))
    expect(!budget.spend(at: start + .seconds(5)), "five seconds refill less than one of ten a minute")
    expect(budget.spend(at: start + .seconds(9)))
    expect(!budget.spend(at: start + .seconds(9)))
    for _ in 0..<10 { expect(budget.spend(at: start + .seconds(600))) }
    expect(!budget.spend(at: start + .seconds(600)), "the bucket never holds more than the limit")
  }

  @Test func noLimitNeverStops() {
    var budget = DeadLetterBudget(limit: nil)
    for _ in 0..<100_000 where !budget.spend(at: start) { Issue.record("stopped without a limit") }
  }

  @Test func aClockThatStandsStillOrGoesBackAddsNothing() {
    var budget = DeadLetterBudget(limit: 1, window: .seconds(1))
    expect(budget.spend(at: start))
    expect(!budget.spend(at: start - .seconds(100)))
    expect(!budget.spend(at: start))
  }
}
