import Foundation
import Kafka
import LocalServers
import TestSupport

import Glibc

/// A system with real services and servers, its input, and the model of what must come of it.
protocol Faultable: Sendable {
  var stage: FaultStage { get }
  /// Parts of the input; feeding and progress are counted in them.
  var size: Int { get }
  func start(_ service: String) async throws -> ServiceProcess
  func feed(_ parts: Range<Int>) async throws
  /// So many bad records.
  func poison(_ count: Int, _ random: inout TestRandom) async throws
  /// Makes something wrong with a server; `heal` mends whatever is.
  /// - Returns: why this machine cannot do it; nil when it is done.
  func begin(_ outage: String) async throws -> String?
  func heal() async throws
  /// Connections that were opened to the server of an outage.
  func attempts(_ outage: String) -> Int
  /// What the slowest service has committed of what is fed, 0 to 1; 1 when nothing is left.
  func processed(of fed: Int) async throws -> Double
  /// What is not as the model says, once everything is processed.
  func problems() async throws -> [String]
  /// Gives back what it has borrowed.
  func close() async
}

/// One seed: the plan's actions on a system, calm, and the oracle.
final class FaultRun {
  struct Outcome {
    var plan: FaultPlan
    var timeline: [String] = []
    var problems: [String] = []
    /// The ends of all logs.
    var logs: [String] = []
    var deadLetters = 0
    var size = 0
    var seconds = 0.0

    var row: String {
      let result = problems.isEmpty ? "passed" : "FAILED"
      let time = String(format: "%.1f", seconds)
      return "fault-seed: \(plan.seed) \(plan.system) \(plan.steps.count) \(size) \(deadLetters) \(time) \(result)"
    }

    var report: String {
      """
      seed \(plan.seed), system \(plan.system): repeat with make faults SEED=\(plan.seed)
      \(timeline.joined(separator: "\n"))
      problems: \(problems.isEmpty ? "none" : "")
      \((problems.prefix(40) + logs).joined(separator: "\n"))
      """
    }
  }

  private struct Replica {
    var process: ServiceProcess
    /// It was told to end; what it may end with.
    var ends: Set<ExitStatus>?
    var isFrozen = false
  }

  private let plan: FaultPlan
  private var random: TestRandom
  private let system: any Faultable
  private var replicas: [String: [Replica]] = [:]
  private var outcome: Outcome
  private var fed = 0
  private let begun = ContinuousClock.now
  /// Until which step something lasts.
  private var outageEnds: Int?, jumpEnds: Int?, thawing: [(step: Int, service: String, pid: pid_t)] = []

  static func run(_ plan: FaultPlan) async throws -> Outcome {
    let begun = ContinuousClock.now
    let folder = try PrivateFolder("faults")
    var random = plan.random
    let system = try await plan.make(in: folder.path, &random)
    let run = FaultRun(plan, random, system)
    do { try await run.all() } catch { run.outcome.problems.append("\(error)") }
    run.takeLogs()
    for replica in run.replicas.values.joined() where replica.process.status == nil { await replica.process.kill() }
    await system.close()
    await system.stage.close()
    run.outcome.seconds = (ContinuousClock.now - begun) / .seconds(1)
    return run.outcome
  }

  private init(_ plan: FaultPlan, _ random: TestRandom, _ system: any Faultable) {
    self.plan = plan
    self.random = random
    self.system = system
    outcome = Outcome(plan: plan)
    outcome.size = system.size
  }

  private func all() async throws {
    for service in plan.system.services { try await start(service) }
    for (index, step) in plan.steps.enumerated() {
      try await calm(before: index)
      try await feed(to: Int(step.fed * Double(system.size)))
      let isDisturbed = outageEnds != nil || !thawing.isEmpty
      await awaitProcessed(step.processed, atMost: isDisturbed ? .milliseconds(500) : .seconds(8))
      note("\(step.action)")
      try await perform(step, index)
      try await Task.sleep(for: .milliseconds(step.pause))
      try check()
    }
    try await feed(to: system.size)
    try await calm(before: nil)
    for service in plan.system.services where !(replicas[service] ?? []).contains(where: { $0.ends == nil }) {
      try await start(service)
    }
    note("calm")
    try await eventually("everything is processed", timeout: .seconds(400), interval: .milliseconds(100)) {
      try check()
      return (try? await system.processed(of: fed)) == 1
    }
    note("processed")
    try await finish()
    outcome.problems += try await system.problems()
    let (problems, letters) = try await system.stage.lettersAgainstPoison()
    outcome.problems += problems
    outcome.deadLetters = letters
    note("\(letters) dead letters")
  }

  private func note(_ text: String) {
    let time = String(format: "%6.2f", (ContinuousClock.now - begun) / .seconds(1))
    outcome.timeline.append("\(time) s, \(fed) of \(system.size) fed: \(text)")
  }

  private func feed(to count: Int) async throws {
    if count > fed {
      try await system.feed(fed..<count)
      fed = count
    }
  }

  /// Waits until that share is processed; goes on without it after a while: it only places what comes next.
  private func awaitProcessed(_ share: Double, atMost limit: Duration) async {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline, (try? await system.processed(of: fed)) ?? 0 < share {
      try? await Task.sleep(for: .milliseconds(50))
    }
  }

  // MARK: Actions

  private func perform(_ step: FaultPlan.Step, _ index: Int) async throws {
    switch step.action {
    case .kill(let service):
      guard let place = pick(service) else { return }
      let process = replicas[service, default: []].remove(at: place).process
      await process.kill()
      try await start(service)
    case .terminate(let service):
      let ended = terminate(service)
      if service == FaultPlan.alone { _ = await ended?.wait(atMost: .seconds(60)) }
      try await start(service)
    case .freeze(let service):
      guard let place = pick(service) else { return }
      let process = replicas[service, default: []][place].process
      process.signal(SIGSTOP)
      thawing.append((index + step.steps, service, process.pid))
      replicas[service, default: []][place].isFrozen = true
      // One that goes on meanwhile.
      if Bool.random(using: &random), service != FaultPlan.alone { try await start(service) }
    case .join(let service): if service != FaultPlan.alone { try await start(service) }
    case .leave(let service):
      if replicas[service, default: []].count(where: { $0.ends == nil }) > 1 { terminate(service) }
    case .refuse(let request, let codes):
      guard let broker = system.stage.broker else { return skip("a real broker's errors cannot be staged") }
      broker.fail(request, with: codes)
    case .disconnect: try await disconnect(step)
    case .outage(let name):
      try await system.heal()
      if let reason = try await system.begin(name) { skip(reason) }
      outageEnds = index + step.steps
    case .poison(let count): try await system.poison(count, &random)
    case .jump(let seconds):
      system.stage.clock.jump(to: Int64(seconds))
      jumpEnds = index + step.steps
    }
  }

  private func disconnect(_ step: FaultPlan.Step) async throws {
    if let broker = system.stage.broker {
      broker.takeDown()
      try await Task.sleep(for: .milliseconds(step.pause))
      broker.bringUp()
    } else if let command = ProcessInfo.processInfo.environment["SOUK_TEST_KAFKA_RESTART"] {
      try await ChildProcess.runOrThrow(Launch("/bin/sh", ["-c", command]), atMost: .seconds(300))
    } else {
      skip("SOUK_TEST_KAFKA_RESTART names no command that restarts the broker")
    }
  }

  private func skip(_ reason: String) { note("  skipped: \(reason)") }

  /// Ends what lasts until this step, or everything.
  private func calm(before index: Int?) async throws {
    if let end = outageEnds, index.map({ $0 >= end }) ?? true {
      try await system.heal()
      outageEnds = nil
      note("healed")
    }
    if let end = jumpEnds, index.map({ $0 >= end }) ?? true {
      system.stage.clock.jump(to: 0)
      jumpEnds = nil
      note("clocks are right")
    }
    for (end, service, pid) in thawing where index.map({ $0 >= end }) ?? true {
      guard let place = replicas[service]?.firstIndex(where: { $0.process.pid == pid }) else { continue }
      replicas[service]?[place].process.signal(SIGCONT)
      replicas[service]?[place].isFrozen = false
      note("\(service) goes on")
    }
    thawing.removeAll { entry in index.map { $0 >= entry.step } ?? true }
    if index == nil, let broker = system.stage.broker { FaultPlan.heal(broker) }
  }

  // MARK: Processes

  private func start(_ service: String) async throws {
    replicas[service, default: []].append(Replica(process: try await system.start(service)))
  }

  /// A replica that runs and is not frozen.
  private func pick(_ service: String) -> Int? {
    replicas[service, default: []].indices.filter { index in
      let replica = replicas[service, default: []][index]
      return replica.ends == nil && !replica.isFrozen
    }.randomElement(using: &random)
  }

  @discardableResult
  private func terminate(_ service: String) -> ServiceProcess? {
    guard let place = pick(service), let process = replicas[service]?[place].process else { return nil }
    // One that has just begun handles no signals yet.
    replicas[service]?[place].ends = [.exited(0), .exited(75), .signalled(SIGTERM)]
    process.signal(SIGTERM)
    return process
  }

  /// - Throws: when a process has ended that was not told to, or otherwise than it may.
  private func check() throws {
    for replica in replicas.values.joined() {
      guard let status = replica.process.status, replica.ends?.contains(status) != true else { continue }
      throw ConditionNotMet(description: "\(replica.process.name) ended with \(status)")
    }
  }

  /// All that run drain without being hindered.
  private func finish() async throws {
    for replica in replicas.values.joined() where replica.ends == nil {
      // A process that has just begun handles no signals yet.
      try await eventually("a sign of \(replica.process.name)") { !replica.process.log.isEmpty }
      replica.process.signal(SIGTERM)
    }
    for replica in replicas.values.joined() {
      let status = await replica.process.wait(atMost: .seconds(150))
      let allowed = replica.ends ?? [.exited(0)]
      guard let status, allowed.contains(status) else {
        throw ConditionNotMet(description: "\(replica.process.name) was to drain: \(status.map { "\($0)" } ?? "runs")")
      }
    }
  }

  private func takeLogs() {
    for replica in replicas.values.joined() {
      let state = replica.process.status.map { "ended with \($0)" } ?? "runs"
      outcome.logs.append("--- the log of \(replica.process.name), which \(state)")
      outcome.logs += replica.process.log.suffix(25).map { String($0.prefix(400)) }
    }
  }
}
