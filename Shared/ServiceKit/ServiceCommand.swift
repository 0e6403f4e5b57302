import ArgumentParser

/// A long-running program of the fleet (or one of its subcommands).
///
/// The conforming type declares its options once, by ArgumentParser; from that declaration come the flags, the
/// environment variables, the keys of the settings file, `--help`, `--print-config` and the reference tables.
/// Everything a process owes its surroundings (signals, logs, metrics, health, exit codes) happens around
/// `run(in:)`, which only does the work and returns when `context.drain` was raised and its work is settled.
package protocol ServiceCommand: AsyncParsableCommand {
  /// Declared as `@OptionGroup(title: "Service") package var service: ServiceOptions`.
  var service: ServiceOptions { get }

  /// The metrics this service records: help texts and histogram buckets on `/metrics`, rows of the reference.
  static var metrics: [MetricDescription] { get }

  /// Probes what the service depends on, for `--check`: a name for each, ok or the reason why not.
  func check(_ report: CheckReport) async

  /// Works until drained or finished. A thrown error ends the process with the exit code of its class.
  func run(in context: ServiceContext) async throws
}

extension ServiceCommand {
  package static var metrics: [MetricDescription] { [] }

  package func check(_ report: CheckReport) async {}

  /// The launcher calls `run(in:)`; this is reached only when the command is run by ArgumentParser itself.
  package mutating func run() async throws {
    let status = await ServiceRun(command: self, host: .current).run()
    if status != .drained { throw ExitCode(status.rawValue) }
  }

  /// The program's entry point: never returns, the process ends with the exit code of the outcome.
  package static func main() async {
    await Launcher.main(Self.self)
  }
}

/// A program of several commands (`db-writer`, `db-writer migrate`): the root that names them.
///
/// The root has no options of its own (ArgumentParser would take them away from the subcommands); what the bare
/// program does is the `defaultSubcommand` of its configuration.
package protocol ServiceProgram: AsyncParsableCommand {}

extension ServiceProgram {
  /// The program's entry point: never returns, the process ends with the exit code of the outcome.
  package static func main() async {
    await Launcher.main(Self.self)
  }
}
