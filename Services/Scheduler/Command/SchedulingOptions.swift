import ArgumentParser
import Core
import Options

/// The flags that are the scheduler's own.
package struct SchedulingOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Jobs that are acknowledged and committed together; a crash repeats at most so many.", valueName: "count"))
  package var jobBatch = 1_000

  @Option(help: "A run that is later than this was missed, and its schedule says what becomes of it.")
  package var missedAfter = DurationSetting(.seconds(300))

  @Option(help: "First retry delay after an outage; doubles with full jitter.")
  package var retryBase = DurationSetting(.milliseconds(100))

  @Option(help: "Longest retry delay. Retries never end.")
  package var retryCap = DurationSetting(.seconds(30))

  package init() {}

  package func validate() throws {
    guard (1...100_000).contains(jobBatch) else { throw ValidationError("--job-batch has to be from 1 to 100000") }
    guard missedAfter.duration >= .seconds(1) else { throw ValidationError("--missed-after has to be 1s or more") }
    guard retryBase.duration > .zero, retryCap.duration >= retryBase.duration else {
      throw ValidationError("--retry-base has to be above zero and not above --retry-cap")
    }
  }

  package var settings: Scheduler.Settings {
    var settings = Scheduler.Settings()
    settings.batch = jobBatch
    settings.grace = missedAfter.duration
    settings.backoff = Backoff(base: retryBase.duration, cap: retryCap.duration)
    return settings
  }
}
