import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import Operations
import Synchronization
import Testing
import TestSupport

@testable import SoukService

@Suite struct ObjectStoreChoiceTests {
  private func choice(_ arguments: [String]) throws -> ObjectStoreChoice {
    ObjectStoreChoice(try EmbeddedParts.parse(arguments), objects: "/run/objects")
  }

  @Test func whatIsGivenReplacesTheEmbeddedServer() throws {
    #expect(try choice([]) == .embedded)
    #expect(try choice(["--object-store", "file:"]) == .given(objectStore: "file:///run/objects", endpoint: nil))
    #expect(try choice(["--object-store", "s3://real"]) == .given(objectStore: "s3://real", endpoint: nil))
    #expect(try choice(["--s3-endpoint", "http://h:1"]) == .given(objectStore: "s3://souk", endpoint: "http://h:1"))
    let both = try choice(["--s3-endpoint", "http://h:1", "--object-store", "s3://b"])
    #expect(both.environment == ["OBJECT_STORE": "s3://b", "S3_ENDPOINT": "http://h:1"])
  }

  @Test func thePrivateServerSeesNoneOfTheCallersCredentials() {
    let environment = ObjectStoreChoice.embeddedEnvironment(["AWS_ACCESS_KEY_ID": "private"])
    #expect(environment["AWS_ACCESS_KEY_ID"] == .some("private"))
    #expect(environment["AWS_PROFILE"] == .some(nil))
    #expect(environment["AWS_SESSION_TOKEN"] == .some(nil))
  }
}

@Suite struct RunFolderTests {
  @Test func aFolderServesOneRunAtATime() async throws {
    try await withTemporaryDirectory { path in
      let folder = try RunFolder(path + "/deep/run")
      #expect(try folder.log(of: "parser") == path + "/deep/run/parser.log")
      try Data("old".utf8).write(to: URL(fileURLWithPath: try folder.log(of: "parser")))
      let failure = #expect(throws: Failure.self) { _ = try RunFolder(path + "/deep/run") }
      #expect(failure?.errorClass == .configuration)
      #expect(FileManager.default.fileExists(atPath: try folder.log(of: "parser")), "the other run's logs stay")
    }
  }

  @Test func whatTheLastRunMadeGoes() async throws {
    try await withTemporaryDirectory { path in
      for _ in 0..<2 {
        let folder = try RunFolder(path)
        #expect(try entries(path) == [RunFolder.marker])
        try write(try folder.log(of: "parser"))
        try write(try folder.file("state/crawler"))
        try write(try folder.file("objects/") + "/a/b")
        #expect(try entries(path) == [RunFolder.marker, "objects", "parser.log", "state"])
      }
    }
  }

  /// A child that was forked while a run used the folder shares the marker's open file until it executes its program.
  @Test func aForkedChildDoesNotKeepTheFolder() async throws {
    try await withTemporaryDirectory { path in
      var shared: Int32 = -1
      do {
        let folder = try RunFolder(path)
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }
        let marker = try #require(descriptors.first {
          (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))
            == "\(folder.path)/\(RunFolder.marker)"
        })
        shared = dup(marker)
      }
      #expect(shared >= 0)
      defer { close(shared) }
      _ = try RunFolder(path)
    }
  }

  @Test(arguments: ["mine.txt", ".profile", "parser.log", "sub/mine.txt"])
  func aFolderOfOtherContentIsRefusedAndKept(_ name: String) async throws {
    try await withTemporaryDirectory { path in
      try write("\(path)/\(name)")
      let before = try entries(path)
      let failure = #expect(throws: Failure.self) { _ = try RunFolder(path) }
      #expect(failure?.errorClass == .configuration)
      #expect(failure?.message.contains(name.split(separator: "/")[0]) == true)
      #expect(try entries(path) == before, "not even a marker is made")
      #expect(FileManager.default.contents(atPath: "\(path)/\(name)") == Data("mine".utf8))
    }
  }

  /// Files of the user in the folder of a run, and a marker of another format.
  @Test func whatIsNotListedInTheMarkerIsKept() async throws {
    try await withTemporaryDirectory { path in
      do { try write(try RunFolder(path).log(of: "parser")) }
      try write("\(path)/notes.txt")
      #expect(throws: Failure.self) { _ = try RunFolder(path) }
      #expect(try entries(path) == [RunFolder.marker, "notes.txt", "parser.log"], "the run's own files stay too")
      try FileManager.default.removeItem(atPath: "\(path)/notes.txt")
      _ = try RunFolder(path)
      try write("\(path)/\(RunFolder.marker)")
      #expect(throws: Failure.self) { _ = try RunFolder(path) }
      // Names that leave the folder are ignored.
      try write("\(path)/out/kept")
      try FileManager.default.createDirectory(atPath: "\(path)/run", withIntermediateDirectories: true)
      do { _ = try RunFolder("\(path)/run") }
      let marker = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(path)/run/\(RunFolder.marker)"))
      try marker.seekToEnd()
      try marker.write(contentsOf: Data("../out\n..\n\n".utf8))
      _ = try RunFolder("\(path)/run")
      #expect(try entries(path) == [RunFolder.marker, "out", "run"])
    }
  }

  /// A registry of the operator's own models keeps its current versions.
  @Test func aTrainingReplacesItsOwnModelsOnly() async throws {
    try await withTemporaryDirectory { path in
      for _ in 0..<2 {
        try ModelTraining.claim(path + "/new/registry")
        try write(path + "/new/registry/models/polymer/current.json")
      }
      try write(path + "/own/models/polymer/current.json")
      #expect(throws: Failure.self) { try ModelTraining.claim(path + "/own") }
      #expect(try entries(path + "/own") == ["models"])
    }
  }

  @Test func anInputInsideTheRunFolderIsRefused() throws {
    for input in ["/run", "/run/bars", "/run/../run/bars"] {
      #expect(throws: Failure.self) { try RunFolder.require(input, option: "--bars", outside: "/run/") }
    }
    for input in ["/runs/bars", "/bars"] { try RunFolder.require(input, option: "--bars", outside: "/run") }
  }

  private func write(_ path: String) throws {
    let folder = (path as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
  }

  private func entries(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  @Test func aPriceFolderIsMadeASource() async throws {
    try await withTemporaryDirectory { path in
      let source = try PriceFolder.source(path)
      #expect(source == "dir:" + path)
      let failure = #expect(throws: Failure.self) { _ = try PriceFolder.source(path + "/absent") }
      #expect(failure?.errorClass == .configuration)
    }
  }
}

/// `souk up` on a given Kafka.
@Suite struct GivenKafkaTests {
  /// Only the system's topics that are missing, each named before one is made.
  @Test(.timeLimit(.minutes(10)), arguments: FleetSystem.allCases)
  func onlyTheTopicsOfTheSystemAreCreated(_ system: FleetSystem) async throws {
    let present = system.topics.prefix(2)
    let broker = try EmbeddedBroker(topics: present.map { ("x.\($0.name)", Int($0.partitions)) })
    defer { broker.close() }
    let servers = broker.bootstrapServers
    let cluster = try Cluster(ClusterOptions.parse(["--kafka-bootstrap-servers", servers, "--topic-prefix", "x."]))
    let said = Mutex<[String]>([])
    let screen = Screen(isTerminal: false) { text in said.withLock { $0.append(text) } }
    let created = Mutex<[String]>([])
    try await UpRun.createTopics(of: system, in: cluster, at: servers, screen) { plan in
      let text = said.withLock { $0.joined() }
      let missing = plan.missing.map(\.name)
      #expect(text.contains("creating  \(counted(missing.count, "topic")) of \(system.rawValue) in \(servers):"))
      #expect(missing.allSatisfy { text.contains("x.\($0)") })
      created.withLock { $0 = missing }
    }
    let used = Set(system.services.flatMap { $0.inputs + $0.inputs.map(\.deadLetters) + $0.outputs + $0.tables }
      .map(\.name))
    let names = created.withLock { $0 }
    #expect(names == system.topics.dropFirst(2).map(\.name))
    // Besides what its services use only what souk itself writes.
    let own: Set = ["souk.alerts", "souk.alerts.dlq", "market-splits", "backfill-jobs", "backfill-status"]
    #expect(Set(names).subtracting(used).isSubset(of: own), "\(Set(names).subtracting(used))")
  }
}

/// `souk up` on a cluster whose groups still have the members of a run that was killed.
@Suite struct FreeGroupTests {
  private final class Groups: Sendable {
    /// The answers to each question; the last one repeats.
    private let answers: Mutex<[[(group: String, members: [String])]]>
    let lines = Mutex<[String]>([])
    let stopping = Interruption()

    init(_ answers: [[(group: String, members: [String])]]) { self.answers = Mutex(answers) }

    func wait(within limit: Duration) async throws {
      let screen = Screen(isTerminal: false) { text in
        self.lines.withLock { $0.append(text.trimmingCharacters(in: .newlines)) }
      }
      try await UpRun.awaitFreeGroups(within: limit, every: .milliseconds(1), stopping: stopping, screen: screen) {
        answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
      }
    }

    var said: [String] { lines.withLock { $0 } }
    var left: Int { answers.withLock { $0.count } }
  }

  @Test func nothingIsSaidOfFreeGroups() async throws {
    let groups = Groups([[]])
    try await groups.wait(within: .seconds(600))
    #expect(groups.said.isEmpty)
  }

  @Test func eachChangeIsSaidOnceAndTheLastMemberEndsTheWait() async throws {
    let both = [("parser", ["parser @ /10.0.0.1", "parser @ /10.0.0.2"]), ("db-writer", ["db-writer @ /10.0.0.1"])]
    let one = [("db-writer", ["db-writer @ /10.0.0.1"])]
    let groups = Groups([both, both, both, one, one, []])
    try await groups.wait(within: .seconds(600))
    #expect(groups.said == [
      "waiting   for members of an earlier run, at most 10m: parser (parser @ /10.0.0.1, parser @ /10.0.0.2); "
        + "db-writer (db-writer @ /10.0.0.1)",
      "waiting   for members of an earlier run, at most 10m: db-writer (db-writer @ /10.0.0.1)",
    ])
    #expect(groups.left == 1, "asked until nothing was held")
  }

  /// Processes of another running fleet.
  @Test func membersThatStayAreWorkedBeside() async throws {
    let groups = Groups([[("parser", ["parser @ /10.0.0.9"])]])
    try await groups.wait(within: .milliseconds(50))
    #expect(groups.said.last?.hasPrefix("beside    members that did not leave within 50ms: parser (parser @") == true)
    #expect(groups.said.count == 2)
  }

  @Test func aStopEndsTheWait() async throws {
    let groups = Groups([[("parser", ["parser @ /10.0.0.9"])]])
    groups.stopping.raise()
    await #expect(throws: CancellationError.self) { try await groups.wait(within: .seconds(600)) }
  }
}
