import Core
import Synchronization

import Glibc

/// A Dask cluster of our own: a scheduler and workers of one thread each, free ports of 127.0.0.1, a private folder.
///
/// Workers import the programs of a folder and inherit variables, as those of the object store. Each is one process
/// without a nanny: what ends it is seen, and `startWorker` replaces it.
package final class PrivateDask: Sendable {
  package let folder: PrivateFolder
  package let port: UInt16
  /// Of the scheduler's HTTP: `/health`, `/json/counts.json`, `/metrics`.
  package let httpPort: UInt16
  private let program: String
  private let environment: [String: String?]
  private let memory: String
  private let scheduler = Mutex<ChildProcess?>(nil)
  private let workers = Mutex<[ChildProcess]>([])
  private let started = Mutex(0)

  package var address: String { "tcp://127.0.0.1:\(port)" }

  /// - Returns: nil when Dask is not installed.
  package static var program: String? { Program.find("dask", in: Program.environmentFolders) }

  /// - Parameters:
  ///   - modules: the folder whose programs workers import.
  ///   - memory: that a worker may take before it pauses.
  /// - Throws: `Failure`: configuration when Dask is not installed; fatal when it does not start.
  package static func start(
    workers: Int = 2, modules: String, environment: [String: String?] = [:], memory: String = "1GiB"
  ) async throws -> PrivateDask {
    try await withFreshPorts {
      let cluster = try PrivateDask(modules, environment, memory)
      try await cluster.startScheduler()
      for _ in 0..<workers { try await cluster.startWorker() }
      return cluster
    }
  }

  private init(_ modules: String, _ environment: [String: String?], _ memory: String) throws {
    program = try Program.require("dask", in: Program.environmentFolders, package: "the PyPI package dask[distributed]")
    folder = try PrivateFolder("dask")
    (port, httpPort) = (try FreePort.next(), try FreePort.next())
    self.environment = environment.merging(["PYTHONPATH": modules, "PYTHONUNBUFFERED": "1"]) { $1 }
    self.memory = memory
  }

  /// Starts the scheduler, or another one on the same port after the first has ended.
  package func startScheduler() async throws {
    let child = try await run("scheduler", [
      "scheduler", "--host", "127.0.0.1", "--port", "\(port)", "--dashboard-address", "127.0.0.1:\(httpPort)",
      "--no-dashboard",
    ], says: "Scheduler at:")
    scheduler.withLock { $0 = child }
  }

  package func startWorker() async throws {
    let number = started.withLock { number in
      number += 1
      return number
    }
    let child = try await run("worker-\(number)", [
      "worker", address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard",
      "--dashboard-address", "127.0.0.1:0", "--memory-limit", memory, "--local-directory", folder.path,
      "--death-timeout", "60",
    ], says: "Registered to:")
    workers.withLock { $0.append(child) }
  }

  private func run(_ name: String, _ arguments: [String], says ready: String) async throws -> ChildProcess {
    var launch = Launch(program, arguments)
    launch.environment = environment
    launch.workingDirectory = folder.path
    let log = folder.file("\(name).log")
    // The words of an earlier run say nothing of this one.
    _ = rename(log, log + ".before")
    launch.output = .file(log)
    let child = try await ChildProcess.start(launch)
    try await awaitAnswer(of: child, within: .seconds(180), log: log) { tail(of: log, lines: 60).contains(ready) }
    return child
  }

  package var isRunning: Bool {
    scheduler.withLock { $0?.isRunning == true } && workers.withLock { $0.contains(where: \.isRunning) }
  }

  /// As `kill -9`.
  package func killScheduler() async { await scheduler.withLock { $0 }?.stop(signal: SIGKILL) }

  /// Kills one of the workers that run.
  package func killWorker() async {
    await workers.withLock { $0.first { $0.isRunning } }?.stop(signal: SIGKILL)
  }

  /// Ends the cluster and removes its folder.
  package func stop() async {
    for child in workers.withLock({ $0 }) { await child.stop(signal: SIGKILL) }
    await scheduler.withLock { $0 }?.stop(signal: SIGKILL)
    folder.remove()
  }
}
