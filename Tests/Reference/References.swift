import Catalogue
import Core
import Foundation

/// Everything in the repository that is made from the code: which files, and what they should say now.
package struct References: Sendable {
  /// A file as it is and as it should be.
  package struct Document: Hashable, Sendable {
    /// From the top of the repository.
    package var path: String
    /// nil when it is not there.
    package var current: String?
    /// nil when it should not be there.
    package var wanted: String?

    package var isStale: Bool { current != wanted }

    /// Makes the file say what it should, or removes it.
    package func write(below root: String) throws {
      let path = "\(root)/\(path)"
      guard let wanted else { return try FileManager.default.removeItem(atPath: path) }
      try FileManager.default.createDirectory(
        atPath: String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]), withIntermediateDirectories: true)
      try wanted.write(toFile: path, atomically: true, encoding: .utf8)
    }
  }

  package let programs: ServicePrograms

  package init(programs: ServicePrograms) { self.programs = programs }

  package func documents() async throws -> [Document] {
    var documents: [Document] = []
    for program in programs.programs { documents.append(try await readme(of: program)) }
    documents.append(try overview())
    documents.append(try Self.document(
      programs.root, "Services/Operations.md", replacing: [GeneratedBlock("sizing", CatalogueTables.sizing())]))
    documents.append(document("k8s/topics/topics.yaml", TopicManifests.yaml()))
    documents.append(document(Self.rules, try ruleManifest()))
    return try documents + Self.fleet(root: programs.root)
  }

  /// Makes the files say what they should.
  ///
  /// - Returns: the paths of those that did not.
  package func write() async throws -> [String] {
    let stale = try await documents().filter(\.isStale)
    for document in stale { try document.write(below: programs.root) }
    return stale.map(\.path)
  }

  /// What runs the fleet: the manifests of Kubernetes, and blocks of other files.
  package static func fleet(
    root: String, services: [ServiceEntry] = ServiceCatalogue.all
  ) throws -> [Document] {
    let compose = ComposeServices(services)
    let blocks: [(String, [GeneratedBlock])] = [
      ("compose/docker-compose.yml", [
        GeneratedBlock("profiles", compose.profiles(), .hash(0)),
        GeneratedBlock("services", compose.compose(), .hash(2)),
        GeneratedBlock("demo", compose.demo(), .hash(2)),
        GeneratedBlock("volumes", compose.volumes(), .hash(2)),
      ]),
      ("compose/prometheus/prometheus.yml", [GeneratedBlock("targets", compose.targets(), .hash(10))]),
      ("compose/Dockerfile", [GeneratedBlock("products", compose.products(), .hash(0))]),
      ("compose/README.md", [GeneratedBlock("profiles", compose.systems())]),
      ("Makefile", [GeneratedBlock("products", compose.demoProducts(), .hash(0))]),
      ("k8s/base/network.yaml", [GeneratedBlock("servers", NetworkPolicies.base(), .hash(0))]),
      ("k8s/components/managed-servers/kustomization.yaml", [
        GeneratedBlock("servers", NetworkPolicies.managed(), .hash(2))
      ]),
    ]
    let manifests = KubernetesManifests(services).files().sorted { $0.key < $1.key }
    return try blocks.map { try document(root, $0, replacing: $1) } + manifests.map { document(root, $0, $1) }
      + leftovers(root, besides: Set(manifests.map(\.key)))
  }

  /// Manifests that were written for a service that the catalogue does not have any more.
  private static func leftovers(_ root: String, besides wanted: Set<String>) -> [Document] {
    let folder = KubernetesManifests.folder
    let files = (FileManager.default.enumerator(atPath: "\(root)/\(folder)")?.allObjects as? [String] ?? []).sorted()
    return files.map { "\(folder)/\($0)" }.filter { $0.hasSuffix(".yaml") && !wanted.contains($0) }.compactMap { path in
      guard path != rules, let text = try? String(contentsOfFile: "\(root)/\(path)", encoding: .utf8),
        text.hasPrefix(KubernetesManifests.mark)
      else { return nil }
      return Document(path: path, current: text, wanted: nil)
    }
  }

  private static let rules = "k8s/components/monitoring/rules.yaml"

  private func readme(of program: ServicePrograms.Program) async throws -> Document {
    var document = document("\(program.folder)/README.md", "")
    var text = document.current ?? ""
    for (question, heading) in [("settings", "Settings"), ("metrics", "Metrics")] {
      let block = GeneratedBlock(question, try await programs.ask(program, question))
      guard !block.content.isEmpty else { continue }
      text = try Self.located(document.path) { () throws(Failure) in try block.replaced(in: text, orUnder: heading) }
    }
    document.wanted = text
    return document
  }

  private func overview() throws -> Document {
    try Self.document(programs.root, "Services/README.md", replacing: [
      GeneratedBlock("services", CatalogueTables.services { programs.folder(of: $0.name) }),
      GeneratedBlock("topics", CatalogueTables.topics()),
    ])
  }

  /// The rules that compose's Prometheus reads, as the resource that the Prometheus operator reads.
  private func ruleManifest() throws -> String {
    let folder = "\(programs.root)/compose/prometheus/rules"
    var text = """
      # Made by `make reference` from compose/prometheus/rules: change those.
      apiVersion: monitoring.coreos.com/v1
      kind: PrometheusRule
      metadata:
        name: souk
      spec:
        groups:

      """
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where name.hasSuffix(".yml") {
      let rules = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
      let groups = rules.split(separator: "\n", omittingEmptySubsequences: false).drop { $0 != "groups:" }.dropFirst()
      text += groups.map { $0.isEmpty ? "" : "  \($0)" }.joined(separator: "\n").trimmingSuffix("\n") + "\n"
    }
    return text
  }

  private func document(_ path: String, _ wanted: String) -> Document { Self.document(programs.root, path, wanted) }

  private static func document(_ root: String, _ path: String, _ wanted: String) -> Document {
    Document(path: path, current: try? String(contentsOfFile: "\(root)/\(path)", encoding: .utf8), wanted: wanted)
  }

  private static func document(
    _ root: String, _ path: String, replacing blocks: [GeneratedBlock]
  ) throws(Failure) -> Document {
    var document = document(root, path, "")
    document.wanted = try located(path) { () throws(Failure) in
      var text = document.current ?? ""
      for block in blocks { text = try block.replaced(in: text) }
      return text
    }
    return document
  }

  private static func located(_ path: String, _ body: () throws(Failure) -> String) throws(Failure) -> String {
    do { return try body() } catch {
      throw Failure(error.errorClass, code: error.code, "\(path): \(error.message)")
    }
  }
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: Character) -> Substring {
    self[..<(lastIndex { $0 != suffix }.map(index(after:)) ?? startIndex)]
  }
}
