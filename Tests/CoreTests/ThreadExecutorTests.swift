import Core
import Glibc
import Synchronization
import Testing

@Suite struct ThreadExecutorTests {
  actor Worker {
    private let executor: ThreadExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private var count = 0

    init(name: String) { executor = ThreadExecutor(name: name) }

    func thread() -> UInt { UInt(pthread_self()) }
    func increment() { count += 1 }
    var total: Int { count }
    func block(until semaphore: Core.Semaphore) { semaphore.wait() }
    func threadName() throws -> String {
      String(decoding: try readFile("/proc/thread-self/comm"), as: UTF8.self).trimmingSuffix("\n")
    }
  }

  @Test func everyCallRunsOnTheSameThread() async {
    let worker = Worker(name: "test-worker")
    let first = await worker.thread()
    for _ in 0..<100 {
      await Task.yield()
      #expect(await worker.thread() == first)
    }
    #expect(await Worker(name: "other").thread() != first)
  }

  @Test func threadIsNamedWithinFifteenBytes() async throws {
    #expect(try await Worker(name: "postgres-writer-1").threadName() == "postgres-writer")
  }

  @Test func callsAreSerial() async {
    let worker = Worker(name: "serial")
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<1_000 { group.addTask { await worker.increment() } }
    }
    #expect(await worker.total == 1_000)
  }

  @Test func aBlockedThreadBlocksNoOtherExecutor() async {
    let (release, blocked) = (Core.Semaphore(), Worker(name: "blocked"))
    let blocking = Task { await blocked.block(until: release) }
    // More tasks than cores: they would all wait if the pool's threads were blocked.
    let other = Worker(name: "free")
    for _ in 0..<100 { await other.increment() }
    #expect(await other.total == 100)
    release.signal()
    await blocking.value
  }

  @Test func manyExecutorsComeAndGo() async {
    for _ in 0..<200 {
      let worker = Worker(name: "short")
      await worker.increment()
      #expect(await worker.total == 1)
    }
  }
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
