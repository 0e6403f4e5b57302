import ArgumentParser
import Foundation
import Runtime
import TestSupport
import Testing

@testable import SoukService

@Suite struct ObjectStoreChoiceTests {
  private func choice(_ arguments: [String]) throws -> ObjectStoreChoice {
    ObjectStoreChoice(try EmbeddedParts.parse(arguments), runFolder: "/run")
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
      #expect(folder.log(of: "parser") == path + "/deep/run/parser.log")
      try Data("old".utf8).write(to: URL(fileURLWithPath: folder.log(of: "parser")))
      let failure = #expect(throws: Failure.self) { _ = try RunFolder(path + "/deep/run") }
      #expect(failure?.errorClass == .configuration)
      #expect(FileManager.default.fileExists(atPath: folder.log(of: "parser")), "the other run's logs stay")
    }
  }

  @Test func theLogsOfTheLastRunGo() async throws {
    try await withTemporaryDirectory { path in
      try Data("old".utf8).write(to: URL(fileURLWithPath: path + "/parser.log"))
      _ = try RunFolder(path)
      #expect(!FileManager.default.fileExists(atPath: path + "/parser.log"))
    }
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
