@testable import Forecasting
import Logging
import ModelRegistry
import ObjectStore
import Synchronization
import Testing
import TestSupport

@Suite struct WatcherTests {
  private func registry(_ folder: String) async throws -> (ModelRegistry, ObservedStore) {
    let store = ObservedStore(try FileStore(path: folder))
    try await store.prepare()
    return (ModelRegistry(store), store)
  }

  @Test(.timeLimit(.minutes(10))) func aNewVersionReplacesTheOldAndABadOneDoesNot() async throws {
    try await withTemporaryDirectory { folder in
      let (registry, store) = try await registry(folder)
      try await registry.publish(Fixture.croston("1", size: 0.1), weights: nil)
      let reports = Mutex<[ModelCheck]>([])
      let watcher = try await ModelWatcher(registry, name: "demand", logger: Logger(label: "test")) { result in
        reports.withLock { $0.append(result) }
      }
      let first = watcher.current.model
      #expect(first.manifest.version == "1")
      #expect(await watcher.check() == .unchanged)

      try await registry.publish(Fixture.croston("2", size: 0.5), weights: nil)
      #expect(await watcher.check() == .replaced(old: "1", new: "2"))
      #expect(watcher.current.model.manifest.smoothing?.size == 0.5)
      #expect(first.manifest.version == "1", "who holds the old one goes on with it")

      // Version 3 is bad: refused once, and again only when another one is named.
      let key = try ObjectKey("models/demand/3/manifest.json")
      _ = try await store.put(ObjectBody(Array("{\"format\":1}".utf8)), at: key, contentType: "application/json")
      try await registry.makeCurrent("demand", version: "3")
      guard case .refused(version: "3", let reason) = await watcher.check() else {
        Issue.record("the bad version was not refused")
        return
      }
      #expect(reason.contains("manifest"))
      #expect(await watcher.check() == .unchanged)
      #expect(watcher.current.model.manifest.version == "2")

      // A version that is named and not there is refused too.
      try await registry.makeCurrent("demand", version: "4")
      guard case .refused(version: "4", _) = await watcher.check() else {
        Issue.record("a version that is not there was not refused")
        return
      }

      store.setAway(true)
      guard case .unreachable = await watcher.check() else {
        Issue.record("an outage was not seen as one")
        return
      }
      #expect(watcher.current.model.manifest.version == "2")
      store.setAway(false)

      try await registry.publish(Fixture.croston("5", size: 0.7), weights: nil)
      #expect(await watcher.check() == .replaced(old: "2", new: "5"))
      try await registry.makeCurrent("demand", version: "1")
      #expect(await watcher.check() == .replaced(old: "5", new: "1"), "the way back")
      #expect(reports.withLock { $0.count } == 8)
    }
  }

  @Test(.timeLimit(.minutes(10))) func aModelOfAnotherKindIsRefused() async throws {
    try await withTemporaryDirectory { folder in
      let (registry, _) = try await registry(folder)
      try await registry.publish(Fixture.croston("1"), weights: nil)
      await #expect(throws: ForecastError.self) {
        _ = try await ModelWatcher(
          registry, name: "demand", requirement: ModelRequirement(kinds: [.lstm]), logger: Logger(label: "test"))
      }
    }
  }

  @Test(.timeLimit(.minutes(10))) func looksUntilCancelled() async throws {
    try await withTemporaryDirectory { folder in
      let (registry, _) = try await registry(folder)
      try await registry.publish(Fixture.croston("1"), weights: nil)
      let watcher = try await ModelWatcher(
        registry, name: "demand", interval: .milliseconds(10), logger: Logger(label: "test"))
      let run = Task { await watcher.run() }
      try await registry.publish(Fixture.croston("2"), weights: nil)
      try await eventually("version 2 is in use") { watcher.current.model.manifest.version == "2" }
      run.cancel()
      await run.value
    }
  }
}
