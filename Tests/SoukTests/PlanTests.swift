import Catalogue
import Core
import ServiceKit
import Testing

@testable import Operations
@testable import SoukService

@Suite struct TopicPlanTests {
  private func topic(_ name: String, _ partitions: Int32) -> Topic {
    Topic(
      name: name, partitions: partitions, retention: .seconds(7 * 86_400), key: "k", orderedBy: "k",
      schema: SchemaID(name, version: 1), summary: "")
  }

  @Test func onlyWhatIsMissingIsCreated() {
    let plan = TopicPlan(
      catalogue: [topic("a", 12), topic("b", 12), topic("c", 12), topic("d", 12)],
      existing: ["b": 12, "c": 6, "d": 24, "stranger": 1])
    #expect(plan.entries.map(\.step) == [.create, .keep, .tooFew(existing: 6), .moreThanNeeded(existing: 24)])
    #expect(plan.missing.map(\.name) == ["a"])
    #expect(!plan.isSettled)
    #expect(TopicPlan(catalogue: [topic("c", 12)], existing: ["c": 6]).isSettled, "a topic never changes its size")
  }

  @Test func linesSayWhatHappens() {
    let plan = TopicPlan(catalogue: [topic("a", 12), topic("b", 3), topic("c", 3)], existing: ["b": 2, "c": 3])
    let lines = plan.report().lines(Terminal(width: 80, hasColour: false))
    #expect(lines.count == 6, "differences only: \(lines)")
    #expect(lines[2].hasPrefix("+  a"))
    #expect(lines[2].hasSuffix("will be created"))
    #expect(lines[3].contains("the cluster has 2"))
    #expect(lines.last == "1 topic missing, 1 up to date")
    #expect(plan.report(all: true).rows.count == 3)
    #expect(plan.report(created: true).notes == ["1 topic created, 1 up to date"])
    let settled = TopicPlan(catalogue: [topic("c", 3)], existing: ["c": 3])
    #expect(settled.report().lines(Terminal(width: 80, hasColour: true)) == ["1 topic up to date, nothing to do"])
  }

  /// A system on a cluster of its own has what its services need, and nothing of the other systems.
  @Test(arguments: FleetSystem.allCases) func aSystemHasItsTopicsOnly(_ system: FleetSystem) {
    let names = Set(system.topics.map(\.name))
    for service in system.services {
      for topic in service.inputs + service.outputs + service.tables { #expect(names.contains(topic.name)) }
      for topic in service.inputs { #expect(names.contains(topic.deadLetterName)) }
    }
    #expect(names.contains("souk.alerts") && names.count < Topics.allWithDeadLetters.count / 2 + 40)
    #expect(names.contains("market-ticks") == (system == .lambda))
    #expect(names.contains("gogobe.files.discovered") == (system == .prices))
  }
}

@Suite struct FleetPlanTests {
  /// Each kind of a service is a separate process, with its kind in the environment.
  @Test func kindsAreProcesses() throws {
    let worker = ServiceCatalogue.inferenceWorker
    let plan = FleetPlan(
      services: [worker], replicas: try Replicas(text: "inference-worker=2"), surroundings: Surroundings()) { 1 }
    #expect(plan.processes.count == 2 * worker.kinds.count)
    for (process, kind) in zip(plan.processes.filter { $0.name.hasSuffix("-1") }, worker.kinds) {
      #expect(process.name == "inference-worker-\(kind.name)-1")
      #expect(process.environment["KIND"] == kind.name)
      #expect(process.environment["GROUP_ID"] == "inference-worker-\(kind.name)")
    }
  }

  @Test func consumersStartBeforeProducersAndEachHasAPort() throws {
    var surroundings = Surroundings()
    surroundings.common = ["A": "1", "B": "1"]
    surroundings.servers = [.redis: ["B": "2"], .influx: ["C": "3"]]
    surroundings.members = ["D": "4"]
    surroundings.arguments = ["crawler": ["--once"]]
    var port: UInt16 = 100
    let plan = FleetPlan(
      services: FleetSystem.prices.services.filter { $0.name != "downloader" },
      replicas: try Replicas(text: "parser=2"), surroundings: surroundings
    ) {
      port += 1
      return port
    }
    #expect(plan.processes.map(\.name) == ["db-writer", "parser-1", "parser-2", "crawler"])
    #expect(plan.processes.map(\.httpPort) == [101, 102, 103, 104])
    #expect(plan.processes[1].environment == [
      "A": "1", "B": "2", "D": "4", "A_FILE": nil, "B_FILE": nil, "D_FILE": nil,
    ])
    #expect(plan.processes[0].environment["B"] == .some("1"))
    #expect(plan.processes[3].arguments == ["--once"])
    #expect(plan.processes[3].service == "crawler")
  }
}

@Suite struct ReplicasTests {
  @Test func unnamedServicesHaveOne() throws {
    let replicas = try Replicas(text: "parser=2,db-writer=3,crawler=2")
    #expect(replicas.count(of: "parser") == 2)
    #expect(replicas.count(of: "db-writer") == 3)
    #expect(replicas.count(of: "crawler") == 2)
    #expect(replicas.count(of: "downloader") == 1)
    #expect(try Replicas(text: "").count(of: "parser") == 1)
  }

  @Test(arguments: ["parser", "parser=", "parser=0", "parser=33", "parser=x", "parser=1=2", "painter=2"])
  func whatIsWrongIsNamed(text: String) {
    let failure = #expect(throws: Failure.self) { _ = try Replicas(text: text) }
    #expect(failure?.errorClass == .configuration)
    #expect(failure?.message.contains(text.prefix { $0 != "=" }) == true)
  }
}

@Suite struct TextTests {
  @Test func columnsAlign() {
    var table = TextTable(["NAME", .right("N")])
    table.append(["a", "1"])
    table.append(["longer", "1,000"])
    table.append(["bro\u{1b}[2Jken"])
    #expect(table.lines == [
      "NAME            N",
      "──────────  ─────",
      "a               1",
      "longer      1,000",
      "bro [2Jken",
    ])
  }

  @Test(arguments: [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567"), (100_000, "100,000")])
  func thousandsAreGrouped(number: Int, text: String) {
    #expect(grouped(number) == text)
  }
}
