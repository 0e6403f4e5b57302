import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import LocalServers
import ServiceKit
import TestSupport
import Testing
import Yams

@testable import Operations
@testable import SoukService

@Suite struct FleetTableTests {
  private func look(_ text: String, unready: String? = nil, at: ContinuousClock.Instant) -> FleetProbe.Look {
    var look = FleetProbe.Look()
    look.at = at
    look.answers = [
      FleetProbe.Answer(
        address: "10.0.0.1:8080", service: "parser", samples: MetricSamples(text: text), unready: unready),
    ]
    return look
  }

  private func metrics(_ consumed: Int, _ kept: Int, fast: Int, slow: Int) -> String {
    """
    souk_records_consumed_total{topic="t"} \(consumed)
    souk_records_kept_total{topic="t"} \(kept)
    souk_records_dead_lettered_total{code="x"} 3
    process_resident_memory_bytes 104857600
    souk_kafka_lag_records{group="parser",topic="t",partition="0"} 7
    souk_kafka_lag_records{group="parser",topic="t",partition="1"} 5
    souk_kafka_lag_seconds{group="parser",topic="t",partition="0"} 4.5
    souk_kafka_lag_seconds{group="parser",topic="t",partition="1"} 90
    souk_job_seconds_bucket{le="0.1"} \(fast)
    souk_job_seconds_bucket{le="1"} \(fast + slow)
    souk_job_seconds_bucket{le="+Inf"} \(fast + slow)
    """
  }

  @Test func ratesAreBetweenTwoLooks() {
    let now = ContinuousClock.now
    let before = look(metrics(100, 90, fast: 50, slow: 0), at: now)
    let after = look(metrics(300, 190, fast: 50, slow: 100), unready: "kafka: no broker", at: now + .seconds(2))
    let report = FleetTable(before, after).report
    guard case .list(let rows)? = report.data["processes"], let row = rows.first else { return #expect(Bool(false)) }
    #expect(row["in_per_second"] == .integer(100) && row["out_per_second"] == .integer(50))
    #expect(row["lag"] == .integer(12) && row["lag_seconds"] == .number(90) && row["dead_lettered"] == .integer(3))
    // Of the hundred that came between the looks, all took 0.1 to 1 s.
    #expect(row["p50_seconds"] == .number(0.55))
    let lines = report.lines(Terminal(width: 80, hasColour: false))
    #expect(lines.allSatisfy { $0.count <= 80 } && lines[2].contains("kafka:"), "\(lines.joined(separator: "\n"))")
  }

  /// A process that was restarted counts from zero again; one that is new has no rate yet.
  @Test func aRestartIsNoNegativeRate() {
    let now = ContinuousClock.now
    let table = FleetTable(
      look(metrics(1_000, 1_000, fast: 9, slow: 0), at: now),
      look(metrics(10, 10, fast: 1, slow: 0), at: now + .seconds(1)))
    guard case .list(let rows)? = table.report.data["processes"] else { return #expect(Bool(false)) }
    #expect(rows[0]["in_per_second"] == .integer(10))
    let fresh = FleetTable(FleetProbe.Look(), look(metrics(10, 10, fast: 1, slow: 0), at: .now + .seconds(1)))
    guard case .list(let first)? = fresh.report.data["processes"] else { return #expect(Bool(false)) }
    #expect(first[0]["in_per_second"] == .null)
  }

  @Test func quantilesAreThoseOfPrometheus() {
    let buckets: [Double: Double] = [0.1: 10, 0.5: 10, 1: 30, .infinity: 40]
    #expect(FleetTable.quantile(buckets, 0.25) == 0.1)
    #expect(FleetTable.quantile(buckets, 0.5) == 0.75)
    // In the last bucket only its lower end is known.
    #expect(FleetTable.quantile(buckets, 0.99) == 1)
    #expect(FleetTable.quantile([:], 0.5) == nil && FleetTable.quantile([1: 0, .infinity: 0], 0.5) == nil)
  }
}

@Suite struct AuditTests {
  private func account(_ text: String) -> ServiceAccount {
    var account = ServiceAccount("parser")
    account.add(MetricSamples(text: text))
    return account
  }

  @Test func everyRecordIsInOneColumn() {
    let whole = """
      souk_records_consumed_total{topic="a"} 100
      souk_records_kept_total{topic="a"} 60
      souk_records_skipped_total{reason="x"} 20
      souk_records_dead_lettered_total{code="y"} 5
      souk_records_returned_total 5
      souk_records_in_flight 10
      """
    #expect(account(whole).missing == 0)
    let lost = account(whole.replacing("kept_total{topic=\"a\"} 60", with: "kept_total{topic=\"a\"} 57"))
    #expect(lost.missing == 3)
    let report = AuditCommand.report([lost], [], [], [])
    #expect(report.notes == ["parser: 3 records are in no column"])
    let fine = AuditCommand.report([account(whole)], [], [], [])
    #expect(fine.notes.first?.hasPrefix("every record is accounted") == true)
    let silent = AuditCommand.report([account(whole)], [], [], [("10.0.0.1:80", "connection refused")])
    #expect(silent.notes == ["10.0.0.1:80 did not answer: connection refused"])
    #expect(report.lines(Terminal(width: 80, hasColour: false)).allSatisfy { $0.count <= 80 })
  }

  private func reading(_ standings: PartitionStanding...) -> GroupLag {
    GroupLag(group: "parser", partitions: standings, window: .zero, now: 0)
  }
  private func standing(_ partition: Int32, committed: Int64?, low: Int64 = 0, end: Int64) -> PartitionStanding {
    PartitionStanding(place: TopicPartition("t", partition), committed: committed, low: low, end: end)
  }

  @Test func contradictionsAreFoundByPartition() {
    let group = reading(
      standing(0, committed: 50, end: 40), standing(1, committed: 5, low: 9, end: 20),
      standing(2, committed: 20, end: 20),
      standing(3, committed: 1, end: 20), standing(4, committed: 20, end: 20))
    let owners: [String: [String: [Int64]]] = [
      "parser": ["t/0": [50], "t/1": [5], "t/2": [0, 20], "t/4": [21]],
    ]
    let found = PartitionAudit.findings([group], owners: owners, isWhole: true)
    #expect(found.map(\.partition) == ["t/0", "t/1", "t/2", "t/3", "t/4"])
    #expect(found[0].words.contains("ends at 40") && found[1].words.contains("4 records deleted"))
    #expect(found[2].words.contains("2 processes") && found[3].words.contains("no process reads it"))
    #expect(found[4].words == "its process says that 21 is committed, and Kafka has 20")
    // Where a process did not answer, it may be the one that reads it; a group that runs nowhere reads nothing.
    let partly = PartitionAudit.findings([group], owners: owners, isWhole: false)
    #expect(partly.map(\.partition) == ["t/0", "t/1", "t/2", "t/4"])
    #expect(PartitionAudit.findings([group], owners: [:], isWhole: true).map(\.partition) == ["t/0", "t/1"])
  }

  @Test func ownersAreThoseThatSaySo() {
    var answers: [FleetProbe.Answer] = []
    for _ in 0..<2 {
      answers.append(FleetProbe.Answer(
        address: "a", service: "parser",
        samples: MetricSamples(text: #"souk_kafka_committed_offset{group="parser",topic="t",partition="3"} 7"#)))
    }
    #expect(PartitionAudit.owners(answers) == ["parser": ["t/3": [7, 7]]])
  }
}

@Suite struct FleetProbeTests {
  @Test func reasonsOfReadinessAreWords() {
    let body = """
      {"status":"unavailable","checks":[{"name":"kafka","ok":false,"reason":"no broker"},\
      {"name":"x","ok":true,"reason":""},{"name":"drain","ok":false,"reason":""}]}
      """
    #expect(FleetProbe.reasons(body) == "kafka: no broker; drain")
    #expect(FleetProbe.reasons("starting\n") == "starting")
  }

  @Test(arguments: [["--address", "nowhere"], ["--address", "h:0"], ["--dns", ":80"], ["--prometheus", "not a url"]])
  func wrongAddressesAreFoundFirst(_ arguments: [String]) {
    #expect(throws: (any Error).self) { _ = try TopCommand.parse(arguments) }
    #expect(throws: (any Error).self) { _ = try AuditCommand.parse(arguments) }
  }

  @Test func aFileOfAddressesMayHaveComments() async throws {
    try await withTemporaryDirectory { folder in
      let path = "\(folder)/addresses"
      try "127.0.0.1:8080 # parser\n\n# nothing\n[::1]:9\n".write(toFile: path, atomically: true, encoding: .utf8)
      #expect(try FleetProbe.read(file: path, isDefault: false) == ["127.0.0.1:8080", "[::1]:9"])
      try "nonsense\n".write(toFile: path, atomically: true, encoding: .utf8)
      let bad = #expect(throws: Failure.self) { try FleetProbe.read(file: path, isDefault: false) }
      #expect(bad?.message.contains("line 1") == true)
    }
    let none = #expect(throws: Failure.self) { try FleetProbe.read(file: "/nonexistent/x", isDefault: true) }
    #expect(none?.message.contains("--prometheus") == true)
  }
}

@Suite struct InitTests {
  /// The file that is printed is one that `souk up` takes, and says nothing but the system.
  @Test(arguments: FleetSystem.allCases) func theSettingsOfASystemAreItsOwn(_ system: FleetSystem) throws {
    let text = try InitCommand.settings(of: system)
    let read = try #require(try Yams.load(yaml: text) as? [String: String])
    #expect(read == ["system": system.rawValue])
    for line in ["#run-folder: .souk/run", "#deadline: 15m"] { #expect(text.contains("\n\(line)\n"), "\(text)") }
    #expect(text.contains("(SOUK_RUN_FOLDER)") && text.contains("(DATABASE_URL)"))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  /// The program reads the file, with every setting at its default too; then a wrong argument stops it before a server.
  @Test(.timeLimit(.minutes(10)), arguments: FleetSystem.allCases)
  func upReadsTheFile(_ system: FleetSystem) async throws {
    let text = try InitCommand.settings(of: system)
    let given = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      // Settings without a default stay comments.
      line.hasPrefix("#") && !line.hasPrefix("# ") && !line.hasSuffix(":") ? String(line.dropFirst()) : String(line)
    }.joined(separator: "\n")
    #expect(given.contains("\nrun-folder: .souk/run\n"))
    let (option, owner) = system == .prices ? ("--bars", FleetSystem.egx) : ("--prices", .prices)
    try await withTemporaryDirectory { folder in
      for (name, text) in [("plain", text), ("given", given)] {
        let path = "\(folder)/\(name).yaml"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let outcome = try await ServiceProcess.run(
          "souk", ["up", "--config", path, option, "/nonexistent", "--run-folder", "\(folder)/run"], environment: [:])
        #expect(outcome.status == .exited(78), "\(outcome)")
        #expect(outcome.errorOutput.contains(
          "\(option) is for --system \(owner.rawValue), and this is \(system.rawValue)"), "\(outcome)")
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/run"))
      }
      // A key that is a slip is refused with its line.
      let path = "\(folder)/slip.yaml"
      try "sytem: \(system.rawValue)\n".write(toFile: path, atomically: true, encoding: .utf8)
      let outcome = try await ServiceProcess.run("souk", ["up", "--config", path], environment: [:])
      #expect(outcome.status == .exited(78) && outcome.errorOutput.contains("system"), "\(outcome)")
    }
  }

  @Test func aWrongServiceIsFoundFirst() {
    let error = #expect(throws: (any Error).self) { _ = try InitCommand.parse(["--service", "parsr"]) }
    #expect(InitCommand.message(for: error!).contains("did you mean 'parser'?"))
  }

  /// A service's own file, printed by its program.
  @Test(.timeLimit(.minutes(10))) func aServiceTellsItsSettings() async throws {
    let outcome = try await ServiceProcess.run("souk", ["init", "--service", "scheduler"], environment: [:])
    #expect(outcome.status == .exited(0), "\(outcome)")
    #expect(outcome.output.contains("# scheduler --config FILE reads this file."))
    #expect(outcome.output.contains("#kafka-bootstrap-servers: \"localhost:9092\"")
      || outcome.output.contains("#kafka-bootstrap-servers: localhost:9092"))
  }
}
