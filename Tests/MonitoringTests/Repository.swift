import Foundation
import LocalServers
import TestSupport
import Yams

/// Files of the repository, and the tools that read them.
enum Repository {
  /// `swift test` runs at the top of the package.
  static func path(_ relative: String) -> String { FileManager.default.currentDirectoryPath + "/" + relative }

  static func text(_ relative: String) throws -> String { try String(contentsOfFile: path(relative), encoding: .utf8) }

  /// - Returns: the YAML's root mapping.
  static func yaml(_ relative: String) throws -> [String: Any] {
    try Yams.load(yaml: text(relative)) as? [String: Any] ?? [:]
  }

  static func files(in folder: String, ending: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path(folder)).filter { $0.hasSuffix(ending) }.sorted()
      .map { "\(folder)/\($0)" }
  }

  /// Runs `promtool` at the top of the repository.
  static func promtool(_ arguments: String...) async throws -> ChildProcess.Outcome {
    var launch = Launch(try Program.require("promtool", package: "the Debian package prometheus"), arguments)
    launch.workingDirectory = FileManager.default.currentDirectoryPath
    return try await ChildProcess.run(launch, atMost: .seconds(300))
  }
}

/// One rule of compose/prometheus/rules.
struct Rule {
  var file: String
  var group: String
  /// Of the alert, or of the recorded series.
  var name: String
  var isAlert: Bool
  var expression: String
  var severity: String?
  var annotations: [String: String]

  static func all() throws -> [Rule] {
    try Repository.files(in: "compose/prometheus/rules", ending: ".yml").flatMap { file in
      let groups = try Repository.yaml(file)["groups"] as? [[String: Any]] ?? []
      return groups.flatMap { group in
        (group["rules"] as? [[String: Any]] ?? []).map { rule in
          Rule(
            file: file, group: group["name"] as? String ?? "",
            name: rule["alert"] as? String ?? rule["record"] as? String ?? "", isAlert: rule["alert"] != nil,
            expression: rule["expr"] as? String ?? "",
            severity: (rule["labels"] as? [String: Any])?["severity"] as? String,
            annotations: rule["annotations"] as? [String: String] ?? [:])
        }
      }
    }
  }
}
