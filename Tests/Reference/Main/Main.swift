import ArgumentParser
import Core
import Foundation
import LocalServers
import Reference

/// Brings every reference up to date with the code.
@main
struct ReferenceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "souk-reference",
    abstract: "Write what is made from the code: settings, metrics, topics, manifests.",
    discussion: """
      Asks every program in Services/ what its settings and metrics are, and the catalogue for topics and services. \
      Run it at the top of the repository, after a build: `make reference` does both.
      """,
    version: Souk.version)

  @Option(help: "The top of the repository.")
  var root = FileManager.default.currentDirectoryPath

  @Flag(help: "Write nothing; name what is stale and exit with 1 when something is.")
  var check = false

  func run() async throws {
    let references = References(programs: try ServicePrograms(root: root, binaries: Program.ownFolder))
    let stale = check
      ? try await references.documents().filter(\.isStale).map(\.path) : try await references.write()
    for path in stale { print(check ? "stale    \(path)" : "written  \(path)") }
    if check, !stale.isEmpty { throw ExitCode.failure }
  }
}
