import Catalogue
import Core
import Foundation
import LocalServers
import Reference
import Testing
import TestSupport

/// What is made from the code says what the code says.
@Suite struct ReferenceTests {
  private let root = FileManager.default.currentDirectoryPath

  @Test func nothingIsStale() async throws {
    let references = References(programs: try ServicePrograms(root: root, binaries: Program.ownFolder))
    let documents = try await references.documents()
    #expect(documents.filter { $0.path.hasSuffix("README.md") }.count == references.programs.programs.count + 2)
    for document in documents where document.isStale {
      let difference = (document.wanted ?? "").split(separator: "\n", omittingEmptySubsequences: false)
        .difference(from: (document.current ?? "").split(separator: "\n", omittingEmptySubsequences: false))
      let lines = difference.prefix(6).map { change in
        switch change {
        case .insert(let line, let text, _): "+\(line + 1) \(text)"
        case .remove(let line, let text, _): "-\(line + 1) \(text)"
        }
      }
      Issue.record("\(document.path) is stale: run `make reference`\n\(lines.joined(separator: "\n"))")
    }
  }

  @Test func everyServiceThatIsBuiltHasItsFolderAndTables() async throws {
    let programs = try ServicePrograms(root: root, binaries: Program.ownFolder)
    #expect(Set(programs.programs.map(\.name)).isSuperset(of: ServiceCatalogue.all.map(\.name) + ["souk"]))
    for program in programs.programs {
      let settings = try await programs.ask(program, "settings")
      #expect(settings.contains("| flag | environment | default | meaning |"), "\(program.name)")
      if program.name == "souk" { continue }
      #expect(settings.contains("| `--http-port <http-port>` | `HTTP_PORT` | `8080` |"), "\(program.name)")
      #expect(try await programs.ask(program, "metrics").contains("| `souk_ready` | gauge |"), "\(program.name)")
    }
  }

  /// A program has the flags of every server that its entry says it talks to, and of no other.
  @Test func entriesNeedWhatTheirProgramsHaveFlagsFor() async throws {
    let programs = try ServicePrograms(root: root, binaries: Program.ownFolder)
    let flags: [Dependency: String] = [
      .kafka: "kafka-bootstrap-servers", .postgres: "database-url", .redis: "redis-url", .influx: "influx-url",
      .objectStore: "object-store", .dask: "dask-scheduler-address",
    ]
    for entry in ServiceCatalogue.all {
      let program = try #require(programs.programs.first { $0.name == entry.name }, "\(entry.name) is not built")
      let settings = try await programs.ask(program, "settings")
      for (need, flag) in flags {
        let hasFlag = settings.contains("| `--\(flag) <")
        #expect(
          hasFlag == entry.needs.union(entry.optional).contains(need),
          "\(entry.name) \(hasFlag ? "has" : "lacks") --\(flag), and its entry says otherwise of \(need.title)")
      }
      if settings.contains("| `--allow-private-addresses`") {
        #expect(entry.needs.contains(.internet), "\(entry.name) fetches from the Internet, unlike its entry")
      }
      #expect(!entry.needs.contains(.ftp) || entry.needs.contains(.internet), "\(entry.name)")
    }
  }

  @Test func aBlockIsReplacedAndTheRestIsLeftAlone() throws {
    let text = "# A\n\nby hand\n<!-- begin generated: t -->\nold\n<!-- end generated: t -->\nmore by hand\n"
    let block = GeneratedBlock("t", "\nnew\n")
    let replaced = try block.replaced(in: text)
    #expect(
      replaced == "# A\n\nby hand\n<!-- begin generated: t -->\n\nnew\n\n<!-- end generated: t -->\nmore by hand\n")
    #expect(try block.replaced(in: replaced) == replaced)
    #expect(try GeneratedBlock("u", "x").replaced(in: "# A\n\n", orUnder: "Metrics")
      == "# A\n\n## Metrics\n\n<!-- begin generated: u -->\n\nx\n\n<!-- end generated: u -->\n")
  }

  @Test(arguments: [
    "nothing", "<!-- begin generated: t -->", "<!-- end generated: t -->\n<!-- begin generated: t -->",
    "<!-- begin generated: t --><!-- begin generated: t --><!-- end generated: t -->",
  ])
  func commentsThatAreNotPairsAreRefused(_ text: String) {
    #expect(throws: Failure.self) { try GeneratedBlock("t", "x").replaced(in: text) }
  }

  @Test func aFolderOfNoServiceIsRefused() async throws {
    try await withTemporaryDirectory { folder in
      try FileManager.default.createDirectory(
        atPath: folder + "/Services/Painter/Main", withIntermediateDirectories: true)
      #expect(throws: Failure.self) { try ServicePrograms(root: folder, binaries: folder) }
    }
  }

  /// A file with empty blocks of these names, each behind so many spaces.
  private func blocks(_ names: [(String, Int)], of file: String, in folder: String) throws {
    let text = try names.map { name, spaces in
      let block = GeneratedBlock(name, "", .hash(spaces))
      return String(repeating: " ", count: spaces) + block.text + "\n"
    }.joined()
    let path = URL(fileURLWithPath: "\(folder)/\(file)")
    try FileManager.default.createDirectory(at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: path, atomically: true, encoding: .utf8)
  }

  @Test func staleFilesAreNamedAndWritten() async throws {
    try await withTemporaryDirectory { folder in
      try FileManager.default.createDirectory(
        atPath: folder + "/Services/Souk/Main", withIntermediateDirectories: true)
      try "# souk\n".write(toFile: folder + "/Services/Souk/README.md", atomically: true, encoding: .utf8)
      let overview = ["services", "topics"].map { "<!-- begin generated: \($0) -->\n<!-- end generated: \($0) -->\n" }
      try overview.joined().write(toFile: folder + "/Services/README.md", atomically: true, encoding: .utf8)
      try "<!-- begin generated: sizing -->\n<!-- end generated: sizing -->\n"
        .write(toFile: folder + "/Services/Operations.md", atomically: true, encoding: .utf8)
      try FileManager.default.createDirectory(
        atPath: folder + "/compose/prometheus/rules", withIntermediateDirectories: true)
      let rules = "# Why.\n\ngroups:\n  - name: g\n\n    rules: []\n"
      try rules.write(toFile: folder + "/compose/prometheus/rules/g.yml", atomically: true, encoding: .utf8)
      func run(_ arguments: String...) async throws -> ChildProcess.Outcome {
        try await ServiceProcess.run("souk-reference", ["--root", folder] + arguments)
      }
      let manifest = "k8s/components/monitoring/rules.yaml"
      let compose = [("profiles", 0), ("services", 2), ("demo", 2), ("volumes", 2)]
      try blocks(compose, of: "compose/docker-compose.yml", in: folder)
      try blocks([("targets", 10)], of: "compose/prometheus/prometheus.yml", in: folder)
      try blocks([("products", 0)], of: "compose/Dockerfile", in: folder)
      try blocks([("products", 0)], of: "Makefile", in: folder)
      try blocks([("servers", 0)], of: "k8s/base/network.yaml", in: folder)
      try blocks([("servers", 2)], of: "k8s/components/managed-servers/kustomization.yaml", in: folder)
      try "<!-- begin generated: profiles -->\n<!-- end generated: profiles -->\n"
        .write(toFile: folder + "/compose/README.md", atomically: true, encoding: .utf8)
      // Of a service that the catalogue had once, and by hand.
      let gone = "k8s/components/egx/painter.yaml", kept = "k8s/components/egx/by-hand.yaml"
      try FileManager.default.createDirectory(
        atPath: folder + "/k8s/components/egx", withIntermediateDirectories: true)
      try "\(KubernetesManifests.mark) x\n".write(toFile: "\(folder)/\(gone)", atomically: true, encoding: .utf8)
      try "kind: Painter\n".write(toFile: "\(folder)/\(kept)", atomically: true, encoding: .utf8)
      let files = ["Services/Souk/README.md", "Services/README.md", "Services/Operations.md"]
        + ["k8s/topics/topics.yaml", manifest]
        + ["docker-compose.yml", "prometheus/prometheus.yml", "Dockerfile", "README.md"].map { "compose/\($0)" }
        + ["Makefile", "k8s/base/network.yaml", "k8s/components/managed-servers/kustomization.yaml"]
        + KubernetesManifests().files().keys.sorted() + [gone]
      let found = try await run("--check")
      #expect(found.status == .exited(1))
      #expect(found.output == files.map { "stale    \($0)\n" }.joined(), "\(found.errorOutput)")
      let written = try await run()
      #expect(written.status == .exited(0))
      #expect(written.output == files.map { "written  \($0)\n" }.joined())
      #expect(try await run("--check").status == .exited(0))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/\(gone)"))
      #expect(FileManager.default.fileExists(atPath: "\(folder)/\(kept)"), "what it did not write is left alone")
      let readme = try String(contentsOfFile: folder + "/Services/Souk/README.md", encoding: .utf8)
      #expect(readme.contains("## Settings\n\n<!-- begin generated: settings -->\n\n### `souk`"))
      #expect(!readme.contains("## Metrics"), "souk records nothing")
      let resource = try String(contentsOfFile: "\(folder)/\(manifest)", encoding: .utf8)
      #expect(resource.hasSuffix("spec:\n  groups:\n    - name: g\n\n      rules: []\n"), "\(resource)")
    }
  }
}

/// Manifests and tables say what the catalogue says.
@Suite struct CatalogueReferenceTests {
  /// Every topic is read back without a reader of YAML: names, colons, values.
  @Test func manifestsHoldEveryTopicAndItsDeadLetters() throws {
    let manifests = TopicManifests.yaml().components(separatedBy: "---\n").dropFirst()
    #expect(manifests.count == Topics.allWithDeadLetters.count)
    var names: Set<String> = []
    for (manifest, topic) in zip(manifests, Topics.allWithDeadLetters) {
      let values = Dictionary(
        manifest.matches(of: /([A-Za-z.]+): ([^\s{},]+)/).map { (String($0.1), String($0.2)) },
        uniquingKeysWith: { first, _ in first })
      #expect(values["topicName"] ?? values["name"] == topic.name)
      #expect(values["partitions"] == "\(topic.partitions)")
      #expect(values["cleanup.policy"] == topic.cleanup.rawValue)
      let milliseconds = "\(topic.retention.components.seconds * 1_000)"
      #expect(values[topic.cleanup == .compact ? "delete.retention.ms" : "retention.ms"] == milliseconds)
      let name = try #require(values["name"])
      #expect(name.wholeMatch(of: /[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/) != nil)
      #expect(names.insert(name).inserted, "two topics became \(name)")
    }
  }

  @Test func tablesNameEveryTopicAndService() {
    let topics = CatalogueTables.topics()
    for topic in Topics.all { #expect(topics.contains("| `\(topic.name)` |")) }
    let services = CatalogueTables.services { "Services/\($0.name)" }
    for name in ServiceCatalogue.all.map(\.name) { #expect(services.contains("| [`\(name)`](\(name)/README.md)")) }
    #expect(!CatalogueTables.services { $0.name == "parser" ? "x" : nil }.contains("crawler`]"))
  }
}
