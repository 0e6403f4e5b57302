import ArgumentParser
import Core
import Logging

// Libraries below this one declare their metrics too, so the type is Core's; a service that declares metrics
// need not know that.
@_exported import struct Core.MetricDescription

/// A long-running program of the fleet (or one of its subcommands): its options, what it needs, and its work.
///
/// The conforming type declares its options once, by ArgumentParser; from that declaration come the flags, the
/// environment variables, the keys of the settings file, `--help`, `--print-config` and the reference tables.
/// Everything a process owes its surroundings (signals, logs, metrics, health, exit codes, and the opening, checking,
/// awaiting and closing of what it needs) is the kit's.
package protocol ServiceCommand: AsyncParsableCommand {
  /// Declared as `@OptionGroup(title: "Service") package var service: ServiceOptions`.
  var service: ServiceOptions { get }

  /// The metrics this service records: help texts and histogram buckets on `/metrics`, rows of the reference.
  static var metrics: [MetricDescription] { get }

  /// Names what the service needs, and says what it does when all of it is there. Called once for a run, and once for
  /// `--check`, which probes the needs and leaves the work alone. What `/readyz` is to wait for is registered here: a
  /// need, and each kind of work, registers its conditions when it is made.
  ///
  /// - Returns: the work; it ends when `needs.drain` was raised and what was begun is settled. An error that it throws
  ///   ends the process with the exit code of its class.
  func work(_ needs: Needs) -> Work
}

extension ServiceCommand {
  package static var metrics: [MetricDescription] { [] }

  /// Probes what the service needs, for `--check`: a name for each, ok or the reason why not.
  package func check(_ report: CheckReport) async {
    let name = Self._commandName
    let needs = Needs(ServiceContext(name: name, logger: Logger(label: name)))
    _ = work(needs)
    await needs.check(report)
  }

  /// Works until drained or finished.
  package func run(in context: ServiceContext) async throws {
    let needs = Needs(context)
    let work = work(needs)
    try await needs.run(work)
  }

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
