import Synchronization

/// Files whose transfer broke off, so that the next attempt requests only the missing part.
///
/// Each is one open file and its disk space. Beyond the capacity the oldest are dropped.
final class PartialFiles: Sendable {
  private struct Entry {
    let name: [UInt8]
    let spool: Spool
  }
  private let entries = Mutex<[Entry]>([])
  private let capacity: Int

  init(capacity: Int) { self.capacity = capacity }

  /// Removes and returns the file's spool; the caller is then its only owner.
  func take(_ name: [UInt8]) -> Spool? {
    entries.withLock { entries in
      entries.firstIndex { $0.name == name }.map { entries.remove(at: $0).spool }
    }
  }

  func keep(_ spool: Spool, as name: [UInt8]) {
    // Closes the dropped files outside the lock.
    let dropped = entries.withLock { entries -> [Entry] in
      var dropped: [Entry] = []
      while entries.count >= max(1, capacity) { dropped.append(entries.removeFirst()) }
      entries.append(Entry(name: name, spool: spool))
      return dropped
    }
    withExtendedLifetime(dropped) {}
  }

  var count: Int { entries.withLock { $0.count } }
}
