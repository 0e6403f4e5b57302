import Core
import Glibc
@testable import ObjectStore
import Testing
import TestSupport

@Suite struct FileStoreTests {
  /// Running out of descriptors does not mean that the folder is missing.
  @Test(arguments: [
    (EMFILE, ErrorClass.transient), (ENFILE, .transient), (ENOMEM, .transient), (ENOENT, .configuration),
    (ENOTDIR, .configuration), (EACCES, .configuration),
  ])
  func aFolderThatCannotBeOpenedIsASettingOrAnOutage(code: Int32, expected: ErrorClass) {
    #expect(FileTree.refusal(of: "/objects", code).errorClass == expected)
  }

  @Test func keepsTheContract() async throws {
    try await withTemporaryDirectory { folder in
      try await StoreContract(store: FileStore(path: "\(folder)/a b/store")).run()
    }
  }

  @Test func symlinksNeverLeaveTheStore() async throws {
    try await withTemporaryDirectory { folder in
      let store = try FileStore(path: "\(folder)/store")
      try await store.prepare()
      mkdir("\(folder)/secret", 0o700)
      close(open("\(folder)/secret/file", O_CREAT | O_WRONLY, 0o600))
      #expect(symlink("\(folder)/secret", "\(folder)/store/link") == 0)
      #expect(symlink("\(folder)/secret/file", "\(folder)/store/file") == 0)
      let contract = StoreContract(store: store)
      for key in ["link/file", "file"] {
        let read = await contract.error { _ = try await store.head(ObjectKey(key)) }
        #expect(read?.errorClass == .data, "\(key)")
      }
      let write = await contract.error {
        _ = try await store.put(ObjectBody([1]), at: ObjectKey("link/new"), contentType: "text/plain")
      }
      #expect(write?.errorClass == .data)
      #expect(access("\(folder)/secret/new", F_OK) != 0)
      #expect(try await store.list(prefix: "", from: nil, limit: 10).objects.isEmpty)
    }
  }

  @Test func aFailedPutLeavesNothingBehind() async throws {
    try await withTemporaryDirectory { folder in
      let store = try FileStore(path: folder)
      let body = ObjectBody(descriptor: -1, length: 3, sha256: SHA256.hash("abc"))
      let failure = await StoreContract(store: store).error {
        _ = try await store.put(body, at: ObjectKey("d/x"), contentType: "text/plain")
      }
      #expect(failure != nil)
      #expect(try await store.list(prefix: "", from: nil, limit: 10).objects.isEmpty)
      // Not even under a temporary name.
      #expect(rmdir("\(folder)/d") == 0)
    }
  }

  @Test func aMissingFolderIsAConfigurationError() async throws {
    let store = try FileStore(path: "/nowhere/at/all")
    let failure = await StoreContract(store: store).error { try await store.check() }
    #expect(failure?.errorClass == .configuration)
  }

  @Test func temporaryNamesAreRefused() async throws {
    try await withTemporaryDirectory { folder in
      let store = try FileStore(path: folder)
      let failure = await StoreContract(store: store).error {
        _ = try await store.head(ObjectKey("a/.souk-incoming-1-1"))
      }
      #expect(failure?.kind == .invalidKey)
    }
  }

  @Test func manyWritersOfOneKeyLeaveOneWholeObject() async throws {
    try await withTemporaryDirectory { folder in
      let path = folder
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<20 {
          group.addTask {
            let bytes = [UInt8](repeating: UInt8(index), count: 10_000 + index)
            _ = try await FileStore(path: path).put(ObjectBody(bytes), at: ObjectKey("k"), contentType: "text/plain")
          }
        }
        try await group.waitForAll()
      }
      let bytes = try await FileStore(path: folder).bytes(of: ObjectKey("k"), limit: 20_000)
      #expect(bytes.count == 10_000 + Int(bytes[0]) && Set(bytes).count == 1)
    }
  }
}
