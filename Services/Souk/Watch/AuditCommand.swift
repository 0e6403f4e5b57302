import ArgumentParser
import Catalogue
import Core
import Operations
import ServiceKit

/// `souk audit`
struct AuditCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "Whether every record is accounted for, now, at every service and partition.",
    discussion: """
      Of each service: consumed = kept + skipped + dead-lettered + returned + in flight, summed over the processes \
      that answer. A difference is looked at three times, because a record on its way from one column to the other is \
      in none. Of each partition: what is committed, against the ends of the topic and the processes that read it.

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

  func run() async throws {
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
    let groups = ServiceCatalogue.all.filter { running.contains($0.name) }.flatMap(\.groups)
    let readings = try await LagSurvey(cluster: try Cluster(kafka)).read(groups, window: .zero)
    let findings = PartitionAudit.findings(
      readings, owners: PartitionAudit.owners(look.answers), isWhole: look.silent.isEmpty)
    let report = Self.report(accounts, readings, findings, look.silent)
    output.print(report)
    if !findings.isEmpty || accounts.contains(where: { $0.missing != 0 }) { throw ExitCode(2) }
    if let first = look.silent.first {
      throw Failure(.transient, code: "no_answer", """
        \(counted(look.silent.count, "process")) did not answer, so this is not all of the fleet; \(first.address): \
        \(first.reason)
        """)
    }
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
