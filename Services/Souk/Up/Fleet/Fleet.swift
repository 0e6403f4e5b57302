import Catalogue
import Core
import LocalServers

/// The services as running processes.
struct Fleet: Sendable {
  let supervisors: [Supervisor]
  private let screen: Screen
  private let stopping: Interruption
  private let drainTimeout: DurationSetting

  init(
    _ plan: FleetPlan, folder: RunFolder, screen: Screen, stopping: Interruption, drainTimeout: DurationSetting
  ) throws {
    self.screen = screen
    self.stopping = stopping
    self.drainTimeout = drainTimeout
    supervisors = try plan.processes.map { process in
      Supervisor(
        process, executable: try Startup.executable(process.service), logPath: try folder.log(of: process.name)
      ) { supervisor, event in
        switch event {
        case .ended(let status, let delay):
          screen.say("ended     \(supervisor.plan.name): \(status), starts again in \(DurationSetting(delay)); "
            + "see \(supervisor.logPath)")
        case .restarted:
          screen.say("restarted \(supervisor.plan.name)")
        }
      }
    }
  }

  /// Why the fleet must stop, if it must.
  var failure: Failure? { supervisors.lazy.compactMap(\.failure).first }

  /// Starts all consumers, waits until each is ready, then starts what the flow begins with.
  func start() async throws {
    let consumers = supervisors.filter { ServiceCatalogue.named($0.plan.service)?.isSource != true }
    let sources = supervisors.filter { ServiceCatalogue.named($0.plan.service)?.isSource == true }
    for group in [consumers, sources] {
      for supervisor in group { try await supervisor.start() }
      for supervisor in group { try await awaitReady(supervisor) }
    }
  }

  /// Stops them from the source on.
  /// - Returns: which did not end cleanly, and how.
  func stop() async -> String? {
    var complaints: [String] = []
    // In time for a process to end by itself with exit code 75 first.
    let grace = drainTimeout.duration + .seconds(3)
    for supervisor in supervisors.reversed() {
      if let complaint = complaint(about: await supervisor.stop(grace: grace)) {
        complaints.append("\(supervisor.plan.name) \(complaint)")
      } else {
        screen.say("drained   \(supervisor.plan.name)")
      }
    }
    return complaints.isEmpty ? nil : complaints.joined(separator: ", ")
  }

  private func awaitReady(_ supervisor: Supervisor) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while supervisor.finished == nil {
      let answer = await LoopbackHTTP.shared.get(
        port: supervisor.plan.httpPort, path: "/readyz", timeout: .seconds(2))
      if answer?.status == 200 { break }
      if ContinuousClock.now > deadline {
        throw Failure(
          .fatal, code: "not_ready", "\(supervisor.plan.name) was not ready within 60 s: "
            + "\(answer?.body ?? "no answer"); the end of \(supervisor.logPath):\n\(tail(of: supervisor.logPath))")
      }
      if await stopping.sleep(for: .milliseconds(50)) { throw CancellationError() }
    }
    if let failure = supervisor.failure { throw failure }
    screen.started(supervisor.plan.name, "http://127.0.0.1:\(supervisor.plan.httpPort)/metrics")
  }
}
