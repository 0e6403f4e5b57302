import Foundation
import LocalServers

/// The files of this repository, from any working folder.
enum Repository {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  static func path(_ relative: String) -> String { "\(root)/\(relative)" }

  static func text(_ relative: String) throws -> String {
    try String(contentsOfFile: path(relative), encoding: .utf8)
  }

  /// Names in a folder, sorted.
  static func names(in relative: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path(relative)).sorted()
  }
}

/// A program of the project's Python environment (or of the machine) that judges files.
enum Validator {
  /// - Returns: what it printed.
  /// - Throws: `Complaint` with what it printed, when it ends with anything but 0; `Failure` when it is not installed.
  @discardableResult
  static func run(_ program: String, _ arguments: [String], package: String) async throws -> String {
    var launch = Launch(
      try Program.require(program, in: Program.environmentFolders, package: "\(package) with pip"), arguments)
    launch.inheritsEnvironment = true
    let outcome = try await ChildProcess.run(launch, atMost: .seconds(300))
    guard outcome.status.isSuccess else {
      throw Complaint(text: "\(program) \(outcome.status):\n\(outcome.output)\n\(outcome.errorOutput)")
    }
    return outcome.output
  }

  struct Complaint: Error, CustomStringConvertible {
    var text: String
    var description: String { text }
  }
}
