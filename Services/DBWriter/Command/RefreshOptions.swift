import ArgumentParser
import Core
import Options

/// When the materialized views are made anew.
package struct RefreshOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Shortest time between two refreshes of a materialized view, over all replicas; 0s = this one never refreshes.",
    valueName: "time"))
  package var refreshInterval = DurationSetting(.seconds(60))

  @Option(help: ArgumentHelp(
    "Limit for refreshing one view; beyond it the refresh counts as failed.", valueName: "time"))
  package var refreshTimeout = DurationSetting(.seconds(600))

  package init() {}

  package func validate() throws {
    guard refreshTimeout.duration >= .milliseconds(1) else {
      throw ValidationError("--refresh-timeout must be above zero")
    }
  }
}
