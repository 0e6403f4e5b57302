import Catalogue
import Foundation
import LocalServers
import Testing
import TestSupport

import Glibc

@testable import Operations
@testable import SoukService

/// `souk up` as a user runs it, with everything it brings along.
@Suite(.serialized) struct UpTests {
  @Test(.timeLimit(.minutes(15))) func aRunSurvivesAKilledServiceAnswersAndStopsCleanly() async throws {
    try await withTemporaryDirectory { folder in
      let souk = try await ServiceProcess.start(
        "souk", ["up", "--no-exit", "--run-folder", folder + "/run", "--replicas", "parser=2,crawler=2"],
        environment: environment)
      func said(_ text: String) -> Bool { souk.log.contains { $0.contains(text) } }
      func waitFor(_ text: String) async throws {
        do {
          try await eventually("souk up says '\(text)'", timeout: .seconds(120)) {
            if let status = souk.status { throw ConditionNotMet(description: "souk up ended with \(status)") }
            return said(text)
          }
        } catch let failure as ConditionNotMet {
          throw ConditionNotMet(description: "\(failure.description)\n" + souk.log.joined(separator: "\n"))
        }
      }
      try await waitFor("started   db-writer")
      let victim = try #require(try children(of: souk.pid).first { $0.name == "db-writer" })
      kill(victim.pid, SIGKILL)
      try await waitFor("restarted db-writer")
      try await waitFor("Everything is still running")
      #expect(said("Every record is accounted for"))
      // The five chains of the invented catalogue, with prices of each.
      for chain in ["arava_pharm", "carmel_market", "galil_fresh", "negev_savings", "sharon_super"] {
        #expect(souk.log.contains { $0.hasPrefix(chain + " ") }, "no line for \(chain)")
      }
      let family = try children(of: souk.pid)
      #expect(Set(family.map(\.name)).isSuperset(of: ["souk"] + FleetSystem.prices.services.map(\.name)))

      souk.signal(SIGINT)
      #expect(await souk.wait(atMost: .seconds(300)) == .exited(0), "\(souk.log.joined(separator: "\n"))")
      #expect(said("drained   parser-2") && said("drained   crawler-2"))
      #expect(said("broker: clean"))
      for child in family { #expect(kill(child.pid, 0) != 0, "\(child.name) still runs") }
    }
  }

  /// The feed is away for a minute of its market in the middle; in the end all numbers are those of the market.
  @Test(.timeLimit(.minutes(15))) func theLambdaSystemShowsPricesAGapAndARevisedBar() async throws {
    try await withTemporaryDirectory { folder in
      let outcome = try await ServiceProcess.run(
        "souk", ["up", "--system", "lambda", "--exit", "--run-folder", folder + "/run"], environment: environment)
      #expect(outcome.status == .exited(0), "\(outcome.output)\(outcome.errorOutput)")
      let lines = outcome.output.split(separator: "\n").map(String.init)
      #expect(lines.contains { $0.contains("The last prices, all trades and all bars agree, and no gap is open.") })
      #expect(lines.contains { $0.hasPrefix("A revised bar: ") })
      for symbol in LambdaSystem.symbols {
        #expect(lines.contains { $0.hasPrefix(symbol + " ") && $0.contains("disconnected") && $0.contains("filled") })
      }
      #expect(lines.contains { $0.hasPrefix("Redis has all ") && $0.contains(" bars of 7 symbols since ") })
      #expect(lines.contains { $0.hasPrefix("XLEN stream:raw_market_data: ") })
      #expect(lines.contains { $0.hasPrefix("TS.INFO ts:AAPL:price: ") })
      #expect(lines.contains("3 of 3 questions are answered, each in its item."))
      for start in ["Every record is accounted for", "stopped   "] {
        #expect(lines.contains { $0.hasPrefix(start) })
        #expect(lines.allSatisfy { !$0.hasPrefix(start) || $0.count <= 80 }, "\(outcome.output)")
      }
    }
  }

  @Test(.timeLimit(.minutes(15))) func realPartsReplaceEmbeddedOnes() async throws {
    try await withTemporaryDirectory { folder in
      let (url, database, server) = try await TestServers.database()
      let seaweed = try await TestServers.seaweed()
      let bucket = TestServers.uniqueName()
      let file = folder + "/bootstrap"
      let broker = try await ServiceProcess.start("souk", ["broker", "--bootstrap-file", file])
      let kafka = try await eventuallySome("the bootstrap file") { try? String(contentsOfFile: file, encoding: .utf8) }
      var settings = seaweed.environment
      settings["DATABASE_URL"] = url
      settings["KAFKA_BOOTSTRAP_SERVERS"] = String(kafka.dropLast())
      settings["OBJECT_STORE"] = "s3://\(bucket)"
      settings["KAFKA_PROPERTIES"] = "session.timeout.ms=6000"
      let outcome = try await ServiceProcess.run(
        "souk", ["up", "--exit", "--run-folder", folder + "/run"], environment: settings, atMost: .seconds(600))
      #expect(outcome.status == .exited(0), "\(outcome.output)\(outcome.errorOutput)")
      for part in ["Kafka", "PostgreSQL", "object store"] { #expect(outcome.output.contains("using     \(part)")) }
      #expect(!outcome.output.contains("(private)"))
      let password = url.drop { $0 != "@" }
      #expect(!outcome.output.contains(url.dropLast(password.count)), "no password is shown")

      // What the run says it wrote is in the database that was given.
      let chains = try await server.psql("SELECT chain, count(*) FROM prices GROUP BY 1 ORDER BY 1", database: database)
        .split(separator: "\n").map { $0.split(separator: "|") }
      #expect(chains.count == 5)
      for chain in chains {
        let isSaid = outcome.output.split(separator: "\n").contains { line in
          line.hasPrefix(chain[0] + " ") && line.split(separator: " ").contains(chain[1])
        }
        #expect(isSaid, "\(chain) in \(outcome.output)")
      }
      let lag = try await ServiceProcess.run("souk", ["lag", "--over", "0s", "--max-lag", "0"], environment: settings)
      #expect(lag.status == .exited(0) && lag.output.contains("total: 0 records"), "\(lag.output)")
      await broker.terminate()
    }
  }

  /// The market data system: a service is killed during the run, and both ends still agree on every price.
  @Test(.timeLimit(.minutes(15))) func barsArriveAtBothEnds() async throws {
    try await withTemporaryDirectory { folder in
      let souk = try await ServiceProcess.start(
        "souk", ["up", "--system", "egx", "--exit", "--run-folder", folder + "/run", "--replicas", "s3-consumer=2"],
        environment: environment)
      func said(_ text: String) -> Bool { souk.log.contains { $0.contains(text) } }
      try await eventually("the fleet runs", timeout: .seconds(180)) {
        if let status = souk.status { throw ConditionNotMet(description: "souk up ended with \(status): \(souk.log)") }
        return said("started   egx-producer")
      }
      let victim = try #require(try children(of: souk.pid).first { $0.name == "influx-consumer" })
      kill(victim.pid, SIGKILL)
      #expect(await souk.wait(atMost: .seconds(300)) == .exited(0), "\(souk.log.joined(separator: "\n"))")
      #expect(said("restarted influx-consumer"))
      #expect(said("Every record is accounted for"))
      #expect(said("All three agree on the last price of every symbol."))
      for instrument in InventedBars.instruments {
        // Symbol, time, three prices that agree, three numbers that agree.
        let fields = souk.log.first { $0.hasPrefix(instrument.symbol + " ") }?.split(separator: " ") ?? []
        #expect(fields.count == 8 && Set(fields.suffix(3)).count == 1, "\(instrument.symbol): \(fields)")
        #expect(Set(fields.dropFirst(2).prefix(3).compactMap { Double($0) }).count == 1, "\(fields)")
      }
      #expect(said("broker: clean"))
    }
  }

  @Test(.timeLimit(.minutes(15))) func barsAndServersOfTheOperatorReplaceTheEmbeddedOnes() async throws {
    try await withTemporaryDirectory { folder in
      let influx = try await TestServers.influx()
      let seaweed = try await TestServers.seaweed()
      try FileManager.default.createDirectory(atPath: folder + "/bars", withIntermediateDirectories: true)
      let text = "date,open,high,low,close,volume\n2025-01-19,1,2,1,2,10\n2025-01-20,2,3,2,2.75,20\n"
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/bars/QQQQ.csv"))
      var settings: [String: String?] = ["INFLUX_URL": influx.url, "OBJECT_STORE": "s3://\(TestServers.uniqueName())"]
      for (name, value) in seaweed.environment { settings[name] = value }
      let outcome = try await ServiceProcess.run(
        "souk", ["up", "--system", "egx", "--exit", "--run-folder", folder + "/run", "--bars", folder + "/bars"],
        environment: settings, atMost: .seconds(300))
      #expect(outcome.status == .exited(0), "\(outcome.output)\(outcome.errorOutput)")
      for part in ["InfluxDB", "object store", "bars"] { #expect(outcome.output.contains("using     \(part)")) }
      #expect(outcome.output.contains("QQQQ") && outcome.output.contains("2.75"))
      let found = await influx.query("SELECT last(close) FROM stock_price WHERE symbol = 'QQQQ'", database: "egx")
      #expect(found?.contains("2.75") == true, "\(found ?? "")")
    }
  }

  @Test func theDeadlineEndsARunThatDoesNotArrive() async throws {
    try await withTemporaryDirectory { folder in
      let outcome = try await run(
        ["up", "--exit", "--deadline", "1ms", "--run-folder", folder + "/run", "--object-store", "file:"])
      #expect(outcome.status == .exited(1))
      #expect(outcome.errorOutput.contains("not everything had arrived after 1ms"))
      #expect(outcome.output.contains("drained   crawler"))
    }
  }

  @Test func noChildOutlivesAKilledRun() async throws {
    try await withTemporaryDirectory { folder in
      let souk = try await ServiceProcess.start(
        "souk", ["up", "--run-folder", folder + "/run"], environment: environment)
      try await eventually("the object store runs", timeout: .seconds(180)) {
        souk.log.contains { $0.contains("started   portal-simulator") }
      }
      let family = try children(of: souk.pid)
      #expect(Set(family.map(\.name)).isSuperset(of: ["souk", "postgres", "weed"]))
      await souk.kill()
      for child in family {
        try await eventually("\(child.name) ends") { kill(child.pid, 0) != 0 || isZombie(child.pid) }
      }
    }
  }

  @Test func aWrongSettingEndsWith78AndSaysWhy() async throws {
    try await withTemporaryDirectory { folder in
      let absent = try await run(["up", "--prices", folder + "/absent", "--run-folder", folder + "/run"])
      #expect(absent.status == .exited(78))
      #expect(absent.errorOutput.contains("absent is not a folder"))

      let replicas = try await run(["up", "--replicas", "painter=2", "--run-folder", folder + "/run"])
      #expect(replicas.status == .exited(64), "of the command line")
      #expect(replicas.errorOutput.contains("there is no service 'painter'"))
      let variable = try await run(["up", "--run-folder", folder + "/run"], ["SOUK_REPLICAS": "painter=2"])
      #expect(variable.status == .exited(78) && variable.errorOutput.contains("SOUK_REPLICAS"), "of the environment")

      let database = try await run(
        ["up", "--run-folder", folder + "/run", "--object-store", "file:"],
        ["DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2"])
      #expect(database.status == .exited(1))
      #expect(database.errorOutput.contains("db-writer migrate"))
      #expect(database.output.contains("broker: clean"), "what was started is stopped")
    }
  }

  /// No server starts, nothing is written, and the files in the folder of the run stay.
  @Test func wrongArgumentsAreFoundFirst() async throws {
    try await withTemporaryDirectory { folder in
      let (own, run) = (folder + "/own", folder + "/run")
      try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
      try Data("mine".utf8).write(to: URL(fileURLWithPath: own + "/mine.txt"))
      for (arguments, reason) in [
        (["--run-folder", own], "mine.txt"), (["--run-folder", run, "--prices", "/nope"], "/nope"),
        (["--run-folder", run, "--system", "egx", "--bars", "/nope"], "/nope"),
        (["--run-folder", run, "--system", "egx", "--prices", own], "--system prices"),
        (["--run-folder", run, "--bars", own], "--system egx"),
        (["--run-folder", own, "--prices", own], "clears"),
        (["--run-folder", run, "--system", "egx", "--replicas", "parser=2"], "influx-consumer"),
        (["--run-folder", run, "--object-store", "s4://x"], "s4://x"),
        (["--run-folder", run, "--s3-endpoint", "nowhere"], "--s3-endpoint"),
        (["--run-folder", run, "--system", "egx", "--influx-url", "nowhere"], "--influx-url"),
        (["--run-folder", run, "--database-url", "nowhere"], "database"),
        (["--run-folder", run, "--kafka-bootstrap-servers", "h:1", "--kafka-property", "painter=1"], "painter"),
      ] {
        let outcome = try await self.run(["up", "--exit"] + arguments)
        #expect(outcome.status == .exited(78), "\(arguments): \(outcome)")
        #expect(outcome.errorOutput.contains(reason), "\(arguments): \(outcome)")
        #expect(outcome.output.isEmpty, "\(arguments): \(outcome)")
      }
      #expect(!FileManager.default.fileExists(atPath: run))
      #expect(try FileManager.default.contentsOfDirectory(atPath: own) == ["mine.txt"])
    }
  }

  private var environment: [String: String?] {
    ["SOUK_WEED": ProcessInfo.processInfo.environment["SOUK_WEED"]]
  }

  private func run(_ arguments: [String], _ extra: [String: String?] = [:]) async throws -> ChildProcess.Outcome {
    try await ServiceProcess.run("souk", arguments, environment: environment.merging(extra) { $1 })
  }

  private func children(of parent: pid_t) throws -> [(pid: pid_t, name: String)] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { entry in
      guard let pid = pid_t(entry), let process = process(pid), process.parent == parent else { return nil }
      return (pid, process.name)
    }
  }

  /// Ended and not reaped: orphans stay so where there is no init.
  private func isZombie(_ pid: pid_t) -> Bool { process(pid).map { $0.state == "Z" } ?? true }

  /// The first fields of `/proc/<pid>/stat` (proc(5)); the name may hold blanks and brackets.
  private func process(_ pid: pid_t) -> (name: String, state: Substring, parent: pid_t)? {
    guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
      let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")")
    else { return nil }
    let fields = stat[stat.index(after: close)...].split(separator: " ")
    guard fields.count > 1, let parent = pid_t(fields[1]) else { return nil }
    return (String(stat[stat.index(after: open)..<close]), fields[0], parent)
  }
}

/// `souk broker`, `topics`, `lag` and `dlq` against one another.
@Suite struct ClusterCommandTests {
  @Test func theEmbeddedBrokerHasEveryTopicOfTheCatalogue() async throws {
    try await withTemporaryDirectory { folder in
      let file = folder + "/bootstrap"
      let broker = try await ServiceProcess.start("souk", ["broker", "--bootstrap-file", file])
      let servers = try await eventuallySome("the bootstrap file") {
        try? String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
      }
      let environment: [String: String?] = ["KAFKA_BOOTSTRAP_SERVERS": servers]
      let plan = try await ServiceProcess.run("souk", ["topics", "plan"], environment: environment)
      #expect(plan.status == .exited(0), "\(plan.errorOutput)")
      #expect(!plan.output.contains("will be created"))
      let lag = try await ServiceProcess.run("souk", ["lag", "--partitions"], environment: environment)
      #expect(lag.status == .exited(0), "\(lag.errorOutput)")
      // A line for each partition of each group, below a heading and above a total.
      let consumed = ServiceCatalogue.all.flatMap(\.groups).flatMap(\.inputs)
      let expected = consumed.reduce(3) { $0 + Int($1.partitions) }
      #expect(lag.output.split(separator: "\n").count == expected)
      let deadLetters = try await ServiceProcess.run(
        "souk", ["dlq", "list", "gogobe.products.ingest"], environment: environment)
      #expect(deadLetters.output == "no dead letters\n", "\(deadLetters.errorOutput)")
      let unknown = try await ServiceProcess.run("souk", ["dlq", "list", "painted"], environment: environment)
      #expect(unknown.status == .exited(78))
      #expect(await broker.terminate() == .exited(0))
      #expect(!FileManager.default.fileExists(atPath: file))
    }
  }

  /// The address is not written to a mistyped path.
  @Test func theBootstrapFileReplacesAddressesOnly() async throws {
    try await withTemporaryDirectory { folder in
      let file = folder + "/notes"
      for text in ["mine", "mine\n", "1\n2\n", "127.0.0.1:x\n"] {
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        let outcome = try await ServiceProcess.run("souk", ["broker", "--bootstrap-file", file])
        #expect(outcome.status == .exited(78), "\(text): \(outcome)")
        #expect(FileManager.default.contents(atPath: file) == Data(text.utf8))
      }
      for text in ["", "127.0.0.1:9,127.0.0.1:10\n", "8090\n"] {
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        let address = try AddressFile(file)
        try address.write("127.0.0.1:1")
        try Data("127.0.0.1:2\n".utf8).write(to: URL(fileURLWithPath: file))
        address.remove("127.0.0.1:1")
        #expect(FileManager.default.fileExists(atPath: file), "another has written it since")
        address.remove("127.0.0.1:2")
        #expect(!FileManager.default.fileExists(atPath: file))
      }
    }
  }

  @Test func theCatalogueIsPrintedWithoutACluster() async throws {
    let outcome = try await ServiceProcess.run("souk", ["topics", "list"], environment: [:])
    #expect(outcome.status == .exited(0))
    for name in ["gogobe.files.discovered", "gogobe.files.downloaded", "gogobe.products.ingest"] {
      #expect(outcome.output.contains("\(name).dlq"))
    }
  }

  @Test func aClusterThatIsNotThereIsAnError() async throws {
    let outcome = try await ServiceProcess.run(
      "souk", ["topics", "plan"], environment: ["KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"])
    #expect(outcome.status == .exited(1))
    #expect(outcome.errorOutput.contains("127.0.0.1:1"))
  }
}
