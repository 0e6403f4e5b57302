import Core
import Foundation
import Testing
import TestSupport

@Suite struct SecretTests {
  private func write(_ text: String, _ path: String) throws {
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  @Test func aReferenceIsFollowedAndNeverShown() throws {
    #expect(try Secret("postgresql://u:p@h/d").resolve() == "postgresql://u:p@h/d")
    #expect(try Secret("env:PATH").resolve() == ProcessInfo.processInfo.environment["PATH"])
    #expect("\(Secret("canary"))" == "***" && "\(Secret("file:/run/x"))" == "file:/run/x")
    let missing = #expect(throws: Failure.self) { try Secret("env:SOUK_TEST_NOT_SET").resolve() }
    #expect(missing?.errorClass == .configuration && missing?.message.contains("SOUK_TEST_NOT_SET") == true)
    #expect(throws: Failure.self) { try Secret("file:/nonexistent/secret").resolve() }
  }

  @Test func aFileIsReadAgainWhenItChanges() async throws {
    try await withTemporaryDirectory { folder in
      let path = "\(folder)/secret"
      try write("first\n", path)
      let secret = Secret("file:\(path)")
      #expect(try secret.resolve() == "first")
      try write("second\r\n", path)
      #expect(try secret.resolve() == "second")
      // While it is replaced it may be missing or empty: what was read last is in force.
      try write("", path)
      #expect(try secret.resolve() == "second")
      try FileManager.default.removeItem(atPath: path)
      #expect(try secret.resolve() == "second")
      try write("third", path)
      #expect(try secret.resolve() == "third")
    }
  }

  /// Kubernetes mounts a link into a folder that is a link itself, and replaces that one.
  @Test func aMountedSecretIsReplacedByALink() async throws {
    try await withTemporaryDirectory { folder in
      let files = FileManager.default
      for version in ["one", "two"] {
        try files.createDirectory(atPath: "\(folder)/\(version)", withIntermediateDirectories: true)
        try write(version, "\(folder)/\(version)/key")
      }
      try files.createSymbolicLink(atPath: "\(folder)/data", withDestinationPath: "one")
      try files.createSymbolicLink(atPath: "\(folder)/key", withDestinationPath: "data/key")
      let secret = Secret("file:\(folder)/key")
      #expect(try secret.resolve() == "one")
      try files.createSymbolicLink(atPath: "\(folder)/next", withDestinationPath: "two")
      #expect(rename("\(folder)/next", "\(folder)/data") == 0)
      #expect(try secret.resolve() == "two")
    }
  }
}
