import Synchronization

/// The files whose transfer broke off, so that the next attempt can ask for the rest only.
///
/// A few at most, each one open file: they cost disk space, and whoever is not asked for again is forgotten when
/// others come.
final class PartialFiles: Sendable {
  private struct Entry {
    let name: [UInt8]
    let spool: Spool
  }
  private let entries = Mutex<[Entry]>([])
  private let capacity: Int

  init(capacity: Int) { self.capacity = capacity }

  /// Hands over what there is of the file; the caller is then its only owner.
  func take(_ name: [UInt8]) -> Spool? {
    entries.withLock { entries in
      entries.firstIndex { $0.name == name }.map { entries.remove(at: $0).spool }
    }
  }

  func keep(_ spool: Spool, as name: [UInt8]) {
    // What is pushed out is closed outside the lock.
    let forgotten = entries.withLock { entries -> [Entry] in
      var forgotten: [Entry] = []
      while entries.count >= max(1, capacity) { forgotten.append(entries.removeFirst()) }
      entries.append(Entry(name: name, spool: spool))
      return forgotten
    }
    withExtendedLifetime(forgotten) {}
  }

  var count: Int { entries.withLock { $0.count } }
}
