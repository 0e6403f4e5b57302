import Core
import Glibc
import ObjectStore
import Testing
import TestSupport

/// The contract of every kind of store: one suite of checks, run against each.
struct StoreContract {
  let store: any ObjectStore

  static func pattern(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      var state: UInt32 = 12_345
      for index in 0..<count {
        state = state &* 1_664_525 &+ 1_013_904_223
        buffer[index] = UInt8(truncatingIfNeeded: state >> 24)
      }
      initialized = count
    }
  }

  func error(_ body: () async throws -> Void) async -> ObjectStoreError? {
    do {
      try await body()
      return nil
    } catch {
      return error as? ObjectStoreError
    }
  }

  func run() async throws {
    try await store.prepare()
    try await store.prepare()
    try await store.check()
    try await roundTrips()
    try await replacesAndDeletes()
    try await lists()
    try await refusesWrongBytes()
  }

  private func roundTrips() async throws {
    for (name, size) in [("empty", 0), ("one", 1), ("dir/שלום עולם+&?#%.gz", 70_000), ("dir/large", 3 << 20)] {
      let key = try ObjectKey("round/\(name)")
      let bytes = Self.pattern(size)
      let info = try await store.put(ObjectBody(bytes), at: key, contentType: "application/octet-stream")
      #expect(info.size == size && info.key == key)
      let head = try #require(try await store.head(key))
      #expect(head.size == size)
      #expect(head.sha256 == nil || head.sha256 == SHA256.hash(bytes))
      #expect(try await store.bytes(of: key, limit: size) == bytes)
      // By the URL that a message carries.
      let viaURL = try await store.get(url: store.location.url(of: key)) { info, reader in
        var count = 0
        while let chunk = try await reader.next() { count += chunk.count }
        return (count, info.size)
      }
      #expect(viaURL == (size, size))
    }
    let large = try ObjectKey("round/dir/large")
    #expect(try await store.state(of: large)?.info.size == 3 << 20)
    #expect(try await store.state(of: ObjectKey("round/missing")) == nil)
    #expect(try await store.restore(large, to: "Hot", days: 1), "it can be read")
    let missing = try ObjectKey("round/missing")
    #expect(try await store.head(missing) == nil)
    let failure = await error { _ = try await store.bytes(of: missing, limit: 10) }
    #expect(failure?.kind == .noSuchKey)
    let tooLarge = await error { _ = try await store.bytes(of: ObjectKey("round/one"), limit: 0) }
    #expect(tooLarge?.kind == .tooLarge)
    // A reader that stops early abandons the rest and leaves the store usable.
    let first = try await store.get(ObjectKey("round/dir/large")) { _, reader in try await reader.next()?.first }
    #expect(first == Self.pattern(1).first)
    let outside = await error { _ = try await store.get(url: "s3://another-bucket/x") { info, _ in info.size } }
    #expect(outside?.kind == .outsideStore)
  }

  private func replacesAndDeletes() async throws {
    let key = try ObjectKey("replace/x")
    _ = try await store.put(ObjectBody([1, 2, 3]), at: key, contentType: "text/plain")
    _ = try await store.put(ObjectBody([4]), at: key, contentType: "text/plain")
    #expect(try await store.bytes(of: key, limit: 10) == [4])
    try await store.delete(key)
    #expect(try await store.head(key) == nil)
    try await store.delete(key)
  }

  private func lists() async throws {
    let names = ["list/a", "list/a b", "list/c/b", "list/b/1", "list/b/2", "list/ב", "list2"]
    for name in names { _ = try await store.put(ObjectBody([9]), at: ObjectKey(name), contentType: "text/plain") }
    var found: [String] = []
    var mark: String?
    repeat {
      let page = try await store.list(prefix: "list/", from: mark, limit: 2)
      #expect(page.objects.count <= 2)
      found += page.objects.map(\.key.text)
      mark = page.next
    } while mark != nil
    #expect(found.sorted() == names.dropLast().sorted())
    #expect(try await store.list(prefix: "nothing/", from: nil, limit: 10).objects.isEmpty)
    let pair = try await store.list(prefix: "list/b/", from: nil, limit: 10).objects
    #expect(pair.map(\.key.text) == ["list/b/1", "list/b/2"] && pair.map(\.size) == [1, 1])
  }

  private func refusesWrongBytes() async throws {
    try await withTemporaryDirectory { folder in
      let descriptor = open("\(folder)/body", O_RDWR | O_CREAT, 0o600)
      defer { close(descriptor) }
      let bytes = Self.pattern(100_000)
      #expect(write(descriptor, bytes, bytes.count) == bytes.count)
      let good = ObjectBody(descriptor: descriptor, length: bytes.count, sha256: SHA256.hash(bytes))
      let key = try ObjectKey("wrong/file")
      _ = try await store.put(good, at: key, contentType: "application/gzip")
      #expect(try await store.bytes(of: key, limit: bytes.count) == bytes)
      let bad = ObjectBody(descriptor: descriptor, length: bytes.count, sha256: SHA256.hash("something else"))
      let other = try ObjectKey("wrong/refused")
      let failure = await error { _ = try await store.put(bad, at: other, contentType: "application/gzip") }
      #expect(failure?.kind == .damagedInTransit && failure?.errorClass == .transient, "\(String(describing: failure))")
      #expect(try await store.head(other) == nil)
    }
  }
}
