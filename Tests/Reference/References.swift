import Foundation
import Runtime
import Schemas

/// Everything in the repository that is made from the code: which files, and what they should say now.
package struct References: Sendable {
  /// A file as it is and as it should be.
  package struct Document: Hashable, Sendable {
    /// From the top of the repository.
    package var path: String
    /// nil when it is not there.
    package var current: String?
    package var wanted: String

    package var isStale: Bool { current != wanted }
  }

  package let programs: ServicePrograms

  package init(programs: ServicePrograms) { self.programs = programs }

  package func documents() async throws -> [Document] {
    var documents: [Document] = []
    for program in programs.programs { documents.append(try await readme(of: program)) }
    documents.append(try overview())
    documents.append(document("k8s/topics/topics.yaml", TopicManifests.yaml()))
    documents.append(document("k8s/components/monitoring/rules.yaml", try ruleManifest()))
    return documents
  }

  /// Makes the files say what they should.
  ///
  /// - Returns: the paths of those that did not.
  package func write() async throws -> [String] {
    let stale = try await documents().filter(\.isStale)
    for document in stale {
      let path = "\(programs.root)/\(document.path)"
      try FileManager.default.createDirectory(
        atPath: String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]), withIntermediateDirectories: true)
      try document.wanted.write(toFile: path, atomically: true, encoding: .utf8)
    }
    return stale.map(\.path)
  }

  private func readme(of program: ServicePrograms.Program) async throws -> Document {
    var document = document("\(program.folder)/README.md", "")
    document.wanted = document.current ?? ""
    for (question, heading) in [("settings", "Settings"), ("metrics", "Metrics")] {
      let block = GeneratedBlock(question, try await programs.ask(program, question))
      guard !block.content.isEmpty else { continue }
      document.wanted = try located(document.path) { () throws(Failure) in
        try block.replaced(in: document.wanted, orUnder: heading)
      }
    }
    return document
  }

  private func overview() throws -> Document {
    var document = document("Services/README.md", "")
    document.wanted = document.current ?? ""
    let blocks = [
      GeneratedBlock("services", CatalogueTables.services { programs.folder(of: $0.name) }),
      GeneratedBlock("topics", CatalogueTables.topics()),
    ]
    for block in blocks {
      document.wanted = try located(document.path) { () throws(Failure) in try block.replaced(in: document.wanted) }
    }
    return document
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

  private func document(_ path: String, _ wanted: String) -> Document {
    Document(
      path: path, current: try? String(contentsOfFile: "\(programs.root)/\(path)", encoding: .utf8), wanted: wanted)
  }

  private func located(_ path: String, _ body: () throws(Failure) -> String) throws(Failure) -> String {
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
