import Core
@testable import CrawlerService
import Foundation
import LocalServers
import Testing
import Values

@Suite struct FolderEngineTests {
  private func write(_ folder: PrivateFolder, _ path: String, _ text: String = "x") throws {
    let url = URL(fileURLWithPath: folder.file(path))
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  @Test func takesTheChainFromTheFolderOrTheName() async throws {
    let folder = try PrivateFolder("crawler")
    try write(folder, "PriceFull7290058140886-029-202310021200.gz", "12345")
    try write(folder, "king_store/NULLPrice7290058108879-028-202410261441.xml")
    try write(folder, "deep/er/storesfull7290058140886-000-202211020606")
    try write(folder, "with blank/Price7290058108879-001-202410261441.gz")
    try write(folder, "EXPECTED.csv")
    try write(folder, ".hidden/Price7290058108879-002-202410261441.gz")
    var files: [ListedFile] = []
    var skipped: [String: Int] = [:]
    try await FolderEngine(path: folder.path, pageSize: 2).list(Set(FileType.allCases)) { listing in
      files += listing.files
      skipped.merge(listing.skipped, uniquingKeysWith: +)
      return true
    }
    let chains = Dictionary(uniqueKeysWithValues: files.map { ($0.fileName, $0.chain) })
    #expect(chains == [
      "PriceFull7290058140886-029-202310021200.gz": "7290058140886",
      "NULLPrice7290058108879-028-202410261441.xml": "king_store",
      "storesfull7290058140886-000-202211020606": "er",
    ])
    #expect(skipped == ["bad_file_name": 1, "bad_chain_name": 1])
    let first = try #require(files.first { $0.size == 5 })
    #expect(first.link == "file://\(folder.path)/PriceFull7290058140886-029-202310021200.gz")
  }

  @Test func aChangedFileHasAnotherFingerprint() async throws {
    let folder = try PrivateFolder("crawler")
    let name = "a/Price7290058108879-028-202410261441.xml"
    try write(folder, name, "one")
    let engine = try FolderEngine(path: folder.path)
    let before = try #require(try await allFiles(engine).first)
    #expect(try await allFiles(engine).first == before)
    try write(folder, name, "other")
    let after = try #require(try await allFiles(engine).first)
    #expect(after.fingerprint != before.fingerprint)
    #expect(after.size == 5)
  }

  @Test func aMissingFolderIsConfiguration() {
    let error = #expect(throws: Failure.self) { try FolderEngine(path: "/nowhere/at/all") }
    #expect(error?.errorClass == .configuration)
  }

  /// With `SOUK_REAL_DATA` set: every published file there is found, and nothing else.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["SOUK_REAL_DATA"] != nil))
  func findsTheRealFiles() async throws {
    let folder = try #require(ProcessInfo.processInfo.environment["SOUK_REAL_DATA"]) + "/prices"
    // Links name the real path of a file, also when a symbolic link leads to the folder.
    let root = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
    let files = try await allFiles(FolderEngine(path: root))
    let listed = try String(contentsOfFile: root + "/EXPECTED.csv", encoding: .utf8)
      .split(whereSeparator: \.isNewline).dropFirst().map { String($0.prefix { $0 != "," }) }
    // Excerpts and made-up files whose names are not those of published files.
    let published = listed.filter { path in
      !["_2026_dialect_trimmed/", "utf16be", "Stores-named"].contains(where: path.contains)
    }
    let paths = files.compactMap { $0.link.flatMap(URL.init(string:))?.path }
    let found = Set(paths.map { String($0.dropFirst(root.count + 1)) })
    #expect(found.isSuperset(of: published))
    #expect(found.isSubset(of: listed))
  }
}
