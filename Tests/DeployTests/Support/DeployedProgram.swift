import Catalogue
import Foundation
import LocalServers
import TestSupport

/// A program as a manifest starts it, and what the program itself says about that.
struct DeployedProgram: Hashable, Sendable {
  /// Of the compose service or the Kubernetes object; for messages.
  var place: String
  /// The program, its subcommand, its flags.
  var command: [String]
  /// By the names of the manifest: `DATABASE_URL_FILE`.
  var environment: [String: String]

  var program: String { command.first ?? "" }
  /// Other subcommands than `replay`, which runs until a signal, end by themselves.
  var isService: Bool {
    let rest = command.dropFirst()
    return ServiceCatalogue.named(program) != nil && (rest.first == "replay" || rest.allSatisfy { $0.hasPrefix("-") })
  }

  /// The flags that `--help` names, without their dashes.
  func flags() async throws -> Set<String> {
    let words = command.prefix { !$0.hasPrefix("-") && !$0.hasPrefix("/") }
    let outcome = try await ServiceProcess.run(program, words.dropFirst() + ["--help"])
    guard outcome.status.isSuccess else { throw Complaint("\(place): --help ends with \(outcome.status)") }
    return Set(outcome.output.matches(of: /--(?:no-)?([a-z0-9][a-z0-9-]*)/).map { String($0.1) })
  }

  /// What the manifest sets and the program does not know.
  func unknownSettings() async throws -> [String] {
    let known = try await flags()
    let variables = environment.keys.filter { key in
      let flag = Self.flag(of: key)
      return !known.contains(flag) && !(flag.hasSuffix("-file") && known.contains(String(flag.dropLast(5))))
    }
    let flags = command.filter { $0.hasPrefix("--") }.map { String($0.dropFirst(2).prefix { $0 != "=" }) }
    return (variables + flags.filter { !known.contains($0) }).sorted()
  }

  /// `HTTP_PORT` as `http-port`.
  static func flag(of variable: String) -> String { variable.lowercased().replacing("_", with: "-") }

  /// Lets a service read its settings as the manifest has them: names, values and files.
  /// - Parameter secrets: what the files below `/run/secrets` hold, by path.
  /// - Returns: what `--print-config` says, by setting.
  func printedConfiguration(secrets: [String: String]) async throws -> String {
    try await withTemporaryDirectory { folder in
      var environment = environment
      for (name, value) in environment where value.hasPrefix("/run/secrets/") {
        guard let content = secrets[value] else {
          throw Complaint("\(place): \(name) names \(value), which is not mounted")
        }
        let file = "\(folder)/\(name)"
        try Data(content.utf8).write(to: URL(fileURLWithPath: file))
        environment[name] = file
      }
      let outcome = try await ServiceProcess.run(
        program, command.dropFirst() + ["--print-config"], environment: environment.mapValues { $0 })
      guard outcome.status.isSuccess else {
        throw Complaint("\(place): --print-config ends with \(outcome.status): \(outcome.errorOutput)")
      }
      return outcome.output
    }
  }

  struct Complaint: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
  }
}
