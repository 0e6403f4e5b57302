import Synchronization

/// Which objects of a generation are stored.
final class StoreProgress: Sendable {
  private let done = Mutex<Set<Int>>([])

  func isDone(_ index: Int) -> Bool { done.withLock { $0.contains(index) } }
  func finish(_ index: Int) { done.withLock { _ = $0.insert(index) } }
}
