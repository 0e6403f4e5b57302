import ArgumentParser
import Core
import Foundation
import Logging
import Metrics
import ServiceKit

/// A service with a few scripted behaviours, so that tests can check a real process: its signals, its exit codes, its
/// endpoint.
@main struct KitProbe: ServiceProgram {
  static let configuration = CommandConfiguration(
    commandName: "kit-probe", abstract: "Behaves as told.", version: Souk.version,
    subcommands: [Behave.self, Migrate.self], defaultSubcommand: Behave.self)
}

struct Behave: ServiceCommand {
  static let configuration = CommandConfiguration(abstract: "Behaves in one way until told to drain.")

  enum Mode: String, ExpressibleByArgument, CaseIterable {
    case serve, finish, fail, misconfigured, unclassified, hang, stuckPool = "stuck-pool", slow
  }

  @OptionGroup(title: "Probe") var probe: ProbeOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  static let metrics = [
    MetricDescription("souk_probe_runs_total", .counter, "Runs of the probe.", labels: ["mode"]),
    MetricDescription("souk_probe_wait_seconds", .histogram, "Time waited.", buckets: [0.5, 1]),
  ]

  func work(_ needs: Needs) -> Work {
    let answer = probe.databaseURL
    needs.add(Need("database", limit: .milliseconds(200), open: {}, check: {
      if answer == "hang" { try await Task.sleep(for: .seconds(3_600)) }
      if answer == "down" { throw Failure(.transient, code: "down", "no answer") }
      return "answers"
    }))
    let context = needs.context
    return Work { try await behave(in: context) }
  }

  private func behave(in context: ServiceContext) async throws {
    let ready = context.health.readiness("work")
    Counter(label: "souk_probe_runs_total", dimensions: [("mode", probe.mode.rawValue)]).increment()
    Timer(label: "souk_probe_wait_seconds").recordMilliseconds(750)
    ready.set(ready: true, reason: "working")
    context.logger.info("running", metadata: ["batch": .stringConvertible(probe.batch)])
    switch probe.mode {
    case .finish: return
    case .serve: await context.drain.wait()
    case .fail: throw Failure(.fatal, code: "promise_broken", "the promise is broken")
    case .misconfigured: throw Failure(.configuration, code: "topic_missing", "topic x is missing; create it")
    case .unclassified: throw Unclassified()
    case .hang: await Interruption().wait()
    case .slow:
      await context.drain.wait()
      context.logger.info("settling")
      await Interruption().wait()
    case .stuckPool:
      for _ in 0..<64 { Task { Semaphore().wait() } }
      // Never ends by itself: the pool may get stuck only after the signal.
      await Interruption().wait()
    }
  }

  struct Unclassified: Error {}
}

struct ProbeOptions: ParsableArguments {
  @Option(help: "How to behave.") var mode = Behave.Mode.serve
  @Option(help: "Rows per batch.") var batch = 100
  @Option(name: .customLong("database-url"), help: "Where the database is.") var databaseURL: String?
  @Option(help: "Proof of identity.") var apiToken: String?
  @Option(help: "A label; may be repeated.") var label: [String] = []
  @Flag(inversion: .prefixedNo, help: "Compress what is sent.") var compress = true
  @Flag(help: "Say more.") var verbose = false
}

struct Migrate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Prints the database it would migrate.")
  @Option(name: .customLong("database-url"), help: "Where the database is.") var databaseURL: String
  @Option(help: "Steps to take.") var steps = 1

  func run() async throws {
    if databaseURL == "missing" {
      throw Failure(.configuration, code: "database_missing", "there is no such database; create it")
    }
    print("migrating \(databaseURL) by \(steps)")
  }
}
