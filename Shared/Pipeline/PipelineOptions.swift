import ArgumentParser
import Core
import Options

/// How a consumer works through its topics, whatever the service does with the records.
package struct PipelineOptions: ParsableArguments {
  @Option(help: "How often finished work is committed to Kafka.")
  package var commitInterval = DurationSetting(.seconds(1))

  @Option(help: "First retry delay after an outage; doubles with full jitter.")
  package var retryBase = DurationSetting(.milliseconds(100))

  @Option(help: "Longest retry delay. Retries never end: an outage never dead-letters.")
  package var retryCap = DurationSetting(.seconds(30))

  @Option(help: "Dead letters allowed per minute before the service stops with exit code 1; 0 = no cap.")
  package var deadLetterLimit = 1_000

  package init() {}

  package mutating func validate() throws {
    guard retryBase.duration > .zero, retryCap.duration >= retryBase.duration else {
      throw ValidationError("--retry-base must be above zero and not above --retry-cap")
    }
    guard commitInterval.duration > .zero else { throw ValidationError("--commit-interval must be above zero") }
    guard deadLetterLimit >= 0 else { throw ValidationError("--dead-letter-limit must be 0 or more") }
  }

  package var backoff: Backoff { Backoff(base: retryBase.duration, cap: retryCap.duration) }
  package var deadLetterBudget: DeadLetterBudget {
    DeadLetterBudget(limit: deadLetterLimit == 0 ? nil : deadLetterLimit)
  }
}
