import ArgumentParser
import Core
import Messages
import Options

/// The flags that are the fetcher's own.
package struct FetchOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Jobs worked on at the same time, those that wait for their turn at a provider included; the sources of the "
      + "catalogue say how many requests each may have in flight.", valueName: "count"))
  package var concurrency = 1_024

  @Option(help: ArgumentHelp("Larger answers are refused.", valueName: "size"))
  package var maxAnswerSize = ByteSize.mib(4)

  @Option(help: ArgumentHelp("JSON nested more deeply is refused.", valueName: "levels"))
  package var maxAnswerDepth = 32

  @Option(help: ArgumentHelp(
    "Memory for answers that are kept to ask whether they still hold (ETag, Last-Modified); 0 keeps none.",
    valueName: "size"))
  package var cacheSize = ByteSize.mib(32)

  @Option(help: ArgumentHelp("What a provider's clock may be ahead of ours.", valueName: "duration"))
  package var clockTolerance = DurationSetting(.seconds(60))

  @Option(help: ArgumentHelp(
    "A price that is more than so many times the last one, or less than that part of it, is only taken when no other "
      + "provider has a nearer one, and flagged; 0 takes every price.", valueName: "factor"))
  package var maxChange = 20

  @Flag(help: "Publish values again that have not changed.")
  package var republish = false

  @Flag(help: "Leave out a value that is the same as the last one at a later time.")
  package var onlyChanges = false

  @Option(help: ArgumentHelp("Failures in a row after which a provider is not asked for a while.", valueName: "count"))
  package var breakerFailures = 5

  @Option(help: ArgumentHelp(
    "For how long, the first time; doubles while it goes on failing.", valueName: "duration"))
  package var breakerOpen = DurationSetting(.seconds(5))

  @Option(help: ArgumentHelp("The longest such time.", valueName: "duration"))
  package var breakerOpenMax = DurationSetting(.seconds(120))

  @Option(help: ArgumentHelp(
    "The longest a provider is left alone because it asks for it (Retry-After), or says \"too often\" again and again; "
      + "an hour when it names a quota of a day.", valueName: "duration"))
  package var maxRetryAfter = DurationSetting(.seconds(300))

  package init() {}

  package func validate() throws {
    for (flag, value, range) in [
      ("--concurrency", concurrency, 1...16_384), ("--max-answer-depth", maxAnswerDepth, 1...512),
      ("--max-change", maxChange, 0...100), ("--breaker-failures", breakerFailures, 1...100_000),
      ("--max-answer-size", maxAnswerSize.bytes, 1...(1 << 30)), ("--cache-size", cacheSize.bytes, 0...(1 << 40)),
    ] where !range.contains(value) {
      throw ValidationError("\(flag) goes from \(range.lowerBound) to \(range.upperBound)")
    }
    guard breakerOpen.duration > .zero, breakerOpenMax.duration >= breakerOpen.duration else {
      throw ValidationError("--breaker-open must be above zero and not above --breaker-open-max")
    }
  }

  package var providers: Provider.Settings {
    Provider.Settings(
      limits: Provider.limits(maxAnswerBytes: maxAnswerSize.bytes),
      json: JSONReader.Limits(maxBytes: maxAnswerSize.bytes, maxDepth: maxAnswerDepth),
      breaker: CircuitBreaker.Settings(
        threshold: breakerFailures, openFor: breakerOpen.duration, openAtMost: breakerOpenMax.duration),
      tolerance: clockTolerance.duration, longestPause: maxRetryAfter.duration)
  }

  package var handler: FetchHandler.Settings {
    FetchHandler.Settings(republishes: republish, onlyChanges: onlyChanges)
  }
}
