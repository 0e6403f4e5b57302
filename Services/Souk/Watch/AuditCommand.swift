import ArgumentParser
import Catalogue
import Core
import Kafka
import Operations
import ServiceKit

/// `souk audit`
struct AuditCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "Whether every record is accounted for, now, at every service and partition.",
    discussion: """
      Of each service: consumed = kept + skipped + dead-lettered + returned + in flight, summed over the processes \
      that answer. A difference is looked at three times, because a record on its way from one column to the other is \
      in none. Of each partition: what is committed, against the ends of the topic and the processes that read it. Of \
      each topic: its end, against what processes have produced or dead-lettered into it since they started.

      Exits with 2 when something does not add up, with 1 when a process does not answer.

      Examples:
        souk audit
        souk audit --dns parser:8080 --dns db-writer:8080
        souk audit --prometheus http://prometheus:9090 -o json
      """)

  @Option(help: "Only the services of this system.") var system: FleetSystem?
  @OptionGroup(title: "Fleet") var fleet: FleetOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup(title: "Kafka") var kafka: ClusterOptions

  /// What was found, and whether it adds up.
  struct Audit: Sendable {
    var accounts: [ServiceAccount]
    var readings: [GroupLag]
    var findings: [PartitionFinding]
    var silent: [(address: String, reason: String)]

    var addsUp: Bool { findings.isEmpty && accounts.allSatisfy { $0.missing == 0 } }
    var report: Report { AuditCommand.report(accounts, readings, findings, silent) }
  }

  func run() async throws {
    let audit = try await audit(try Cluster(kafka))
    output.print(audit.report)
    if !audit.addsUp { throw ExitCode(2) }
    if let first = audit.silent.first {
      throw Failure(.transient, code: "no_answer", """
        \(counted(audit.silent.count, "process")) did not answer, so this is not all of the fleet; \(first.address): \
        \(first.reason)
        """)
    }
  }

  func audit(_ cluster: Cluster) async throws -> Audit {
    let probe = try FleetProbe(fleet.places)
    defer { probe.close() }
    let names = system.map { Set($0.services.map(\.name)) }
    var look = try await probe.look()
    var accounts = ServiceAccount.all(look.answers.filter { names?.contains($0.service) ?? true })
    for _ in 0..<2 where accounts.contains(where: { $0.missing != 0 }) {
      try await Task.sleep(for: .milliseconds(700))
      look = try await probe.look()
      for next in ServiceAccount.all(look.answers) {
        guard let index = accounts.firstIndex(where: { $0.service == next.service }) else { continue }
        // The one that adds up best is the one in which nothing moved.
        if abs(next.missing) <= abs(accounts[index].missing) { accounts[index] = next }
      }
    }
    let running = Set(accounts.map(\.service))
    let entries = ServiceCatalogue.all.filter { running.contains($0.name) }
    let readings = try await LagSurvey(cluster: cluster).read(entries.flatMap(\.groups), window: .zero)
    let answers = look.answers.filter { running.contains($0.service) }
    var owners = PartitionAudit.owners(answers)
    // Its offsets are in PostgreSQL, and Kafka is told of them afterwards.
    for entry in entries where entry.sink == .postgres {
      for group in entry.groups { owners[group.name] = owners[group.name]?.mapValues { $0.map { _ in 0 } } }
    }
    let findings = PartitionAudit.findings(readings, owners: owners, isWhole: look.silent.isEmpty)
      + PartitionAudit.findings(answers, ends: try await cluster.ends(entries))
    return Audit(accounts: accounts, readings: readings, findings: findings, silent: look.silent)
  }

  static func report(
    _ accounts: [ServiceAccount], _ readings: [GroupLag], _ findings: [PartitionFinding],
    _ silent: [(address: String, reason: String)]
  ) -> Report {
    var report = Report("services", [
      .text("service", "SERVICE"), .number("processes", "UP", rank: 3), .number("consumed", "CONSUMED"),
      .number("kept", "KEPT"), .number("skipped", "SKIPPED", rank: 1), .number("dead_lettered", "DEAD"),
      .number("returned", "RETURNED", rank: 2), .number("in_flight", "IN FLIGHT", rank: 1),
      .number("waiting", "WAITING", rank: 4), .number("missing", "MISSING"),
    ])
    for account in accounts {
      let groups = Set(ServiceCatalogue.named(account.service)?.groups.map(\.name) ?? [])
      let waiting = readings.filter { groups.contains($0.group) }
      report.append([
        .text(account.service), .count(account.processes), .count(account.consumed), .count(account.kept),
        .count(account.skipped), .count(account.deadLettered), .count(account.returned), .count(account.inFlight),
        .count(waiting.isEmpty ? nil : waiting.reduce(Int64(0)) { $0 + $1.lag }), .count(account.missing),
      ], account.missing == 0 ? .plain : .bad)
    }
    report.nothing = "no process answered"
    report.fields = [
      .init("findings", .list(findings.map { finding in
        .object([
          .init("group", .text(finding.group)), .init("partition", .text(finding.partition)),
          .init("words", .text(finding.words)),
        ])
      })),
      .init("silent", .list(silent.map {
        .object([.init("address", .text($0.address)), .init("reason", .text($0.reason))])
      })),
    ]
    for account in accounts where account.missing != 0 {
      let place = account.missing > 0 ? "in no column" : "in two columns"
      report.notes.append("\(account.service): \(grouped(Int(abs(account.missing)))) records are \(place)")
    }
    report.notes += findings.map { "\($0.group) \($0.partition): \($0.words)" }
    report.notes += silent.map { "\($0.address) did not answer: \($0.reason)" }
    if report.notes.isEmpty, !accounts.isEmpty {
      let partitions = readings.reduce(0) { $0 + $1.partitions.count }
      report.notes = ["""
        every record is accounted for: \(counted(accounts.count, "service")), \(counted(partitions, "partition"))
        """]
    }
    return report
  }
}

extension Cluster {
  /// How many offsets the topics of services have given in all; topics that do not exist are missing.
  fileprivate func ends(_ services: [ServiceEntry]) async throws -> [String: Int64] {
    let wanted = Set(services.flatMap { $0.outputs + $0.inputs.map(\.deadLetters) }.map(\.name))
    let known = try await admin.topics().filter { wanted.contains($0.key) }
    let places = Set(known.flatMap { topic, partitions in partitions.map { TopicPartition(topic, $0) } })
    let marks = try await admin.watermarks(places)
    return known.keys.reduce(into: [:]) { ends, topic in
      ends[topic] = marks.filter { $0.key.topic == topic }.values.reduce(0) { $0 + $1.high }
    }
  }
}
