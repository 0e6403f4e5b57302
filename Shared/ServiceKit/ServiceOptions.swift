import ArgumentParser
import Core
import Logging
import Options

/// The options every service has.
package struct ServiceOptions: ParsableArguments {
  @Option(help: "Port of /livez, /readyz and /metrics; 0 picks a free one, which the log line 'listening' names.")
  package var httpPort: UInt16 = 8080

  @Option(help: "Address the HTTP endpoint listens on.")
  package var httpHost = "0.0.0.0"

  @Option(help: "Least severe level that is logged.")
  package var logLevel: Logger.Level = .info

  @Option(help: "Form of the log lines on standard error. (default: human on a terminal, json otherwise)")
  package var logFormat: LogFormat?

  @Option(help: "How long a drain may take after SIGTERM before the process gives up with exit code 75.")
  package var drainTimeout = DurationSetting(.seconds(25))

  @Option(help: ArgumentHelp("YAML file with settings, keyed by the flags' names.", valueName: "path"))
  package var config: String?

  @Flag(help: "Check the settings and reach everything they name, then exit with 0 or 78.")
  package var check = false

  @Flag(help: "Print the settings in force and where each comes from, then exit.")
  package var printConfig = false

  @OptionGroup(title: "Traces") package var traces: TraceOptions

  package init() {}
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

/// One log record per line, for machines or for people.
package enum LogFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
  case json, human
}
