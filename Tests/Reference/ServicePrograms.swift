import Catalogue
import Core
import Foundation
import LocalServers

/// The programs of the fleet: what lies in `Services/`, and says of itself what its settings and metrics are.
package struct ServicePrograms: Sendable {
  /// One program, its folder and its executable.
  package struct Program: Hashable, Sendable {
    package var name: String
    /// From the top of the repository: `Services/DBWriter`.
    package var folder: String
  }

  /// The top of the repository.
  package let root: String
  /// Where the build put the executables.
  package let binaries: String
  package let programs: [Program]

  /// - Throws: class `configuration` when a folder belongs to no program of the catalogue.
  package init(root: String, binaries: String) throws {
    self.root = root
    self.binaries = binaries
    let names = ServiceCatalogue.all.map(\.name) + ["souk"]
    let folders = try FileManager.default.contentsOfDirectory(atPath: "\(root)/Services").sorted()
      .filter { FileManager.default.fileExists(atPath: "\(root)/Services/\($0)/Main") }
    programs = try folders.map { folder in
      let lower = folder.lowercased()
      guard let name = names.first(where: { Self.folderName($0) == lower })
        ?? names.first(where: { $0.hasPrefix(lower + "-") }) else {
        throw Failure(
          .configuration, code: "unknown_program",
          "Services/\(folder) is no service of the catalogue (Shared/Catalogue/ServiceCatalogue.swift)")
      }
      return Program(name: name, folder: "Services/\(folder)")
    }
  }

  /// `db-writer` lives in `DBWriter`; `batch-runner` in `Batch`, with the jobs that it runs.
  private static func folderName(_ name: String) -> String { name.replacing("-", with: "") }

  package func folder(of service: String) -> String? { programs.first { $0.name == service }?.folder }

  /// - Parameter question: `settings` or `metrics`.
  /// - Returns: Markdown; empty when the program has nothing to say.
  package func ask(_ program: Program, _ question: String) async throws -> String {
    let path = "\(binaries)/\(program.name)"
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw Failure(
        .configuration, code: "program_missing", "\(path) is not there: build it with `swift build`")
    }
    var launch = Launch(path, ["--print-reference", question])
    launch.inheritsEnvironment = false
    return try await ChildProcess.runOrThrow(launch)
  }
}
