import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import LocalServers
import Operations

/// One run of the fleet, from the first server to the last exit code.
struct UpRun: Sendable {
  let options: UpOptions
  let parts: EmbeddedParts
  let kafka: ClusterOptions
  let replicas: Replicas
  let folder: RunFolder
  let screen: Screen
  let stopping: Interruption

  private var exits: Bool { options.exit ?? !screen.isTerminal }

  /// - Throws: `Failure` with what went wrong, also when everything was stopped properly before.
  func run() async throws {
    screen.say("Souk \(Souk.version), system \(options.system.rawValue); logs in \(folder.path)")
    var startup = Startup(options: options, parts: parts, folder: folder, screen: screen, stopping: stopping)
    var failure: (any Error)?
    do {
      try await work(&startup)
    } catch is CancellationError where stopping.isRaised {
      // Stopped on request while still starting.
    } catch {
      failure = error
      // The error itself is printed at the end, on standard error.
      screen.say("failed    stopping what was started")
    }
    screen.settle()
    let complaints = await startup.teardown.run(screen)
    if let failure { throw failure }
    guard complaints.isEmpty else {
      throw Failure(.fatal, code: "unclean_stop", "not everything ended cleanly: \(complaints.joined(separator: "; "))")
    }
  }

  private func work(_ startup: inout Startup) async throws {
    startup.surroundings.describeEveryService(drainTimeout: options.drainTimeout)
    let cluster = try await startKafka(&startup)
    let shown = Self.shown(options.system)
    try await shown.prepare(&startup)
    if kafka.bootstrapServers != nil {
      let consumers = options.system.services.filter { !$0.isSource }
      do {
        try await Self.awaitFreeGroups(
          within: cluster.sessionTimeout() + .seconds(5), stopping: stopping, screen: screen
        ) { try await cluster.members(of: consumers) }
      } catch let error as KafkaError where error.name == "_UNSUPPORTED_FEATURE" {
        // An embedded broker of another process (`souk broker`) lists no groups.
      }
    }
    let fleet = try startFleet(startup)
    startup.teardown.add("services") { await fleet.stop() }
    try await fleet.start()
    try await watch(fleet, startup, cluster, shown)
  }

  private func startKafka(_ startup: inout Startup) async throws -> Cluster {
    if let servers = kafka.bootstrapServers {
      startup.surroundings.servers[.kafka] = kafka.environment
      let cluster = try Cluster(kafka)
      try await Self.createTopics(of: options.system, in: cluster, at: servers, screen) { try await cluster.apply($0) }
      screen.say("using     Kafka             \(servers)")
      return cluster
    }
    let servers = try await startup.startBroker(kafka.fleet)
    startup.surroundings.useEmbeddedBroker(servers, kafka.fleet)
    return try Cluster(kafka, bootstrapServers: servers)
  }

  /// Creates the topics that a given Kafka lacks: those of the system and no others, after saying which.
  static func createTopics(
    of system: FleetSystem, in cluster: Cluster, at servers: String, _ screen: Screen,
    apply: (TopicPlan) async throws -> Void
  ) async throws {
    let plan = try await cluster.plan(system.topics)
    if !plan.isSettled {
      screen.say("creating  \(counted(plan.missing.count, "topic")) of \(system.rawValue) in \(servers):")
      for line in plan.report().lines(Terminal.standardOutput) { screen.say("          \(line)") }
    }
    try await apply(plan)
  }

  /// Members of a run that was killed hold their partitions until the brokers miss them: says so, and waits for that,
  /// because services that join meanwhile are given nothing and would be taken for stuck. Members that stay are those
  /// of another fleet: this one then works beside it.
  ///
  /// - Parameters:
  ///   - limit: how long brokers take to miss a member.
  ///   - held: asks for the groups that have members, and for these.
  static func awaitFreeGroups(
    within limit: Duration, every pause: Duration = .seconds(1), stopping: Interruption, screen: Screen,
    _ held: () async throws -> [(group: String, members: [String])]
  ) async throws {
    let deadline = ContinuousClock.now + limit
    var said = ""
    while true {
      let held = try await held()
      if held.isEmpty { return }
      let text = held.map { "\($0.group) (\($0.members.joined(separator: ", ")))" }.joined(separator: "; ")
      guard .now < deadline else {
        screen.say("beside    members that did not leave within \(DurationSetting(limit)): \(text)")
        return
      }
      if text != said {
        screen.say("waiting   for members of an earlier run, at most \(DurationSetting(limit)): \(text)")
        said = text
      }
      if await stopping.sleep(for: pause) { throw CancellationError() }
    }
  }

  private func startFleet(_ startup: Startup) throws -> Fleet {
    let plan = try FleetPlan(
      services: options.system.services, replicas: replicas, surroundings: startup.surroundings,
      nextPort: FreePort.next)
    // For `souk top` and `souk audit`.
    let addresses = plan.processes.map { "127.0.0.1:\($0.httpPort) # \($0.name)\n" }.joined()
    try addresses.write(toFile: folder.file("addresses"), atomically: true, encoding: .utf8)
    return try Fleet(plan, folder: folder, screen: screen, stopping: stopping, drainTimeout: options.drainTimeout)
  }

  /// Shows progress until everything has arrived, answers the questions, and stays if it is to stay.
  private func watch(
    _ fleet: Fleet, _ startup: Startup, _ cluster: Cluster, _ shown: any ShownSystem
  ) async throws {
    let deadline = exits ? ContinuousClock.now + options.deadline.duration : nil
    let began = ContinuousClock.now
    var progress = Progress(
      fleet: fleet, cluster: cluster, system: options.system, sources: startup.sources)
    var arrived: ContinuousClock.Instant?
    var answered = false
    while !stopping.isRaised {
      for server in startup.alive where !server.isRunning() {
        throw Failure(.fatal, code: "server_ended", "\(server.name) has ended; see \(folder.path)")
      }
      if let failure = fleet.failure { throw failure }
      let reading = try await progress.read()
      let live = await shown.live()
      screen.show(reading.lines + live, plain: ([reading.summary] + live.suffix(1)).joined(separator: " | "))
      if reading.isCaughtUp, arrived == nil { arrived = .now }
      // The last commit and the last count of a process are not one moment.
      if let arrived, !answered, reading.discrepancies.isEmpty || ContinuousClock.now - arrived > .seconds(10) {
        answered = true
        screen.settle()
        for line in reading.lines where !screen.isTerminal { screen.say(line) }
        try await conclude(reading, after: arrived - began, cluster, shown)
        if exits { return }
        screen.say("Everything is still running. Press Ctrl-C to stop it.")
      }
      if let deadline, ContinuousClock.now > deadline {
        throw Failure(
          .fatal, code: "deadline", "not everything had arrived after \(options.deadline): \(reading.summary)")
      }
      _ = await stopping.sleep(for: screen.isTerminal ? .milliseconds(500) : .seconds(1))
    }
  }

  private func conclude(
    _ reading: FleetReading, after took: Duration, _ cluster: Cluster, _ shown: any ShownSystem
  ) async throws {
    screen.say()
    screen.say("Everything has arrived, \(took.components.seconds) s after the fleet was ready.")
    if reading.discrepancies.isEmpty {
      screen.say("Every record is accounted for: in = out + filtered + dead-lettered per stage.")
    } else if exits {
      throw Failure(.fatal, code: "unaccounted", reading.discrepancies.joined(separator: "; "))
    }
    for line in reading.discrepancies { screen.say("unaccounted  \(line)") }
    for stage in reading.stages where stage.deadLettered > 0 {
      for topic in ServiceCatalogue.named(stage.name).map(options.system.inputs) ?? [] {
        screen.say("\nWhat \(stage.name) could not use (`souk dlq ls \(topic.name)`):\n")
        let letters = try await LetterBook(cluster: cluster).letters(of: topic.name, where: LetterFilter.parse([]))
        for line in LetterReport(letters: letters, limit: 10).report.lines(Terminal.standardOutput) { screen.say(line) }
      }
    }
    for line in try await shown.answers() { screen.say(line) }
  }
}
