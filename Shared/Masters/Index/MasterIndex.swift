import Glibc
import Messages

/// The masters known to this process, asked by many threads and changed by one.
///
/// A reader holds the lock for a piece of a file (some milliseconds), a writer for a batch of records; a waiting writer
/// goes before new readers, so that neither starves.
package final class MasterIndex: @unchecked Sendable {
  package struct Limits: Sendable {
    /// Masters.
    package var count: Int
    /// Of the whole index.
    package var bytes: Int

    package init(count: Int = 2_000_000, bytes: Int = 1 << 30) {
      self.count = count
      self.bytes = bytes
    }
  }

  /// What a reader sees while it holds the lock.
  package struct View {
    let store: MasterStore
    package let isFull: Bool

    package func contains(_ key: MasterKey) -> Bool { store.contains(key) }
    @inline(__always)
    package func match(_ gtin: GTIN) -> MatchOutcome { match(MasterKey(gtin)) }
    /// Whether it is known; else it is new while there is room.
    package func match(_ key: MasterKey) -> MatchOutcome {
      if store.contains(key) { return .exact(key) }
      return isFull ? .unknown(.full) : .new(key)
    }
    /// Whether some chain calls the master just so.
    package func isKnown(_ text: ProductText, as key: MasterKey) -> Bool { store.isKnown(text, as: key) }
    /// The master that stands for this one: itself, or the one it was merged into.
    package func survivor(of key: MasterKey) -> MasterKey { store.decisions.survivor(of: key) }
    /// Of merges and what was undone of them.
    package var revision: UInt32 { store.decisions.revision }
    /// Whether no merge since then concerns the master.
    package func isUnchanged(_ key: MasterKey, since revision: UInt32) -> Bool {
      store.decisions.isUnchanged(key, since: revision)
    }
    /// The master that a chain's product really is where a split says so; nil where none does.
    package func part(of key: MasterKey, chain: String, code: UnsafeBufferPointer<UInt8>) -> MasterKey? {
      guard store.decisions.hasSplits else { return nil }
      return store.decisions.part(of: key, .init(chain: chain, code: String(decoding: code, as: UTF8.self)))
    }
  }

  package struct Figures: Sendable {
    package var masters = 0
    package var bytes = 0
    package var isFull = false
    /// Records that did not fit.
    package var refused = 0

    package init() {}
  }

  package enum Change: Hashable, Sendable {
    case put, unchanged, removed
    /// The record says nothing that could be indexed: its id or name cannot be read.
    case unusable
    /// The index has no room left.
    case refused
  }

  package let mode: MatchMode
  private let limits: Limits
  private let store: MasterStore
  private let text = ProductText()
  private var figures = Figures()
  private var changes = 0
  private let lock: UnsafeMutablePointer<pthread_rwlock_t>

  package init(mode: MatchMode, limits: Limits = Limits()) {
    self.mode = mode
    self.limits = limits
    store = MasterStore(mode: mode)
    lock = .allocate(capacity: 1)
    var attributes = pthread_rwlockattr_t()
    pthread_rwlockattr_init(&attributes)
    // PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP
    pthread_rwlockattr_setkind_np(&attributes, 2)
    pthread_rwlock_init(lock, &attributes)
    pthread_rwlockattr_destroy(&attributes)
  }

  deinit {
    pthread_rwlock_destroy(lock)
    lock.deallocate()
  }

  /// Holds changes off while `body` runs. Not to be nested.
  package func read<Result, E: Error>(_ body: (View) throws(E) -> Result) throws(E) -> Result {
    pthread_rwlock_rdlock(lock)
    defer { pthread_rwlock_unlock(lock) }
    return try body(View(store: store, isFull: figures.isFull))
  }

  package var current: Figures { read { _ in figures } }

  /// Holds readers off while `body` makes its changes.
  package func change<Result>(_ body: (Writer) -> Result) -> Result {
    pthread_rwlock_wrlock(lock)
    defer { pthread_rwlock_unlock(lock) }
    defer { measure() }
    return body(Writer(index: self))
  }

  package struct Writer {
    fileprivate let index: MasterIndex

    /// Adds a master or replaces what was known of it.
    package func put(_ master: ProductMaster) -> Change { index.put(master) }
    /// A tombstone.
    package func remove(_ masterID: String) -> Change {
      guard let key = MasterKey(masterID) else { return .unusable }
      return index.store.remove(key) ? .removed : .unchanged
    }
    /// A decision about masters, or that it is undone. Takes effect whether or not the masters are known yet.
    package func decide(_ decision: MasterDecision) -> Change {
      guard index.mode == .full else { return .unchanged }
      return index.store.decisions.apply(decision) ? .put : .unusable
    }
  }

  private func put(_ master: ProductMaster) -> Change {
    guard let key = MasterKey(master.masterID) else { return .unusable }
    if mode == .gtin, key.isName { return .unchanged }
    // A change of a known master is taken even when full; it hardly needs room.
    if figures.isFull, !store.contains(key) {
      figures.refused += 1
      return .refused
    }
    if mode == .full {
      text.set(name: master.name, brand: master.brand, size: ProductSize(quantity: master.quantity, unit: master.unit))
    }
    let isNew = store.put(key, text, RowFacts(master))
    changes += 1
    // Between the exact counts, so that one large batch cannot pass the limit by much.
    if changes & 0x3FF == 0 { measure() }
    return isNew ? .put : .unchanged
  }

  private func measure() {
    figures.masters = store.count
    figures.bytes = store.byteCount
    figures.isFull = figures.masters >= limits.count || figures.bytes >= limits.bytes
  }
}

extension RowFacts {
  fileprivate init(_ master: ProductMaster) {
    var name = master.name
    let price = master.price.map { Float($0.approximate) } ?? 0
    self = name.withUTF8 { RowFacts(name: $0, price: price, isWeighted: master.isWeighted ?? false) }
  }
}
