import Compression
import Core
import Lake
import Logging
import Messages
import ObjectStore
import Synchronization

/// The datasets of the batch layer, as their manifests say that they are now or were.
///
/// Parts and manifests never change, so they are kept in memory up to a size. Which manifest holds is looked up again
/// after a while. While the store is away, what is in memory still answers.
final class BatchViews: Sendable {
  enum Dataset: String, CaseIterable, Sendable {
    case bars, features
    case flow = "options-flow-daily"
    case trends = "sentiment-trends"
    /// How unusual hours of options flow and of stories are.
    case flowSignals = "flow-signals", sentimentSignals = "sentiment-signals"
  }

  /// One manifest, by symbol.
  final class Snapshot: Sendable {
    let sequence: Int64
    let run: String
    let createdNs: Int64
    private let parts: [String: [BatchManifest.Part]]
    private let covers: [String: [Range<Int64>]]

    init(_ manifest: BatchManifest) {
      (sequence, run, createdNs) = (manifest.sequence, manifest.run, manifest.createdNs)
      parts = Dictionary(grouping: manifest.parts) { $0.symbol }
        .mapValues { $0.sorted { ($0.minNs, $0.key) < ($1.minNs, $1.key) } }
      covers = Dictionary(manifest.boundaries.map { boundary in
        (boundary.symbol, boundary.covers.compactMap { $0.fromNs < $0.untilNs ? $0.fromNs..<$0.untilNs : nil })
      }, uniquingKeysWith: { first, _ in first })
    }

    func seam(of symbol: String, rowsOf length: Int64) -> Seam { Seam(covers: covers[symbol] ?? [], rowsOf: length) }

    /// Those with rows that begin in a range (milliseconds since 1970).
    func parts(of symbol: String, _ range: Range<Int64>) -> [BatchManifest.Part] {
      (parts[symbol] ?? []).filter { part in
        part.rows > 0 && part.minNs / 1_000_000 < range.upperBound && part.maxNs / 1_000_000 >= range.lowerBound
      }
    }
  }

  private struct State {
    /// The newest that is known, by dataset, and when it was looked up.
    var current: [Dataset: (snapshot: Snapshot?, at: ContinuousClock.Instant)] = [:]
    /// Pinned ones, by dataset and sequence.
    var pinned: [String: Snapshot] = [:]
    var loading: [Dataset: Task<Snapshot?, Never>] = [:]
  }
  private let state = Mutex(State())
  private let lake: Lake
  private let refresh: Duration
  private let rows: RowCache
  private let gate: StoreGate
  /// The same store, behind the same gate.
  let archive: ArchivedBars

  /// - Parameters:
  ///   - refresh: how long an answer may be of the manifest that held before.
  ///   - cacheBytes: of rows.
  init(_ lake: Lake, refresh: Duration, cacheBytes: Int, logger: Logger) {
    (self.lake, self.refresh) = (lake, refresh)
    rows = RowCache(limit: cacheBytes)
    gate = StoreGate(logger: logger)
    archive = ArchivedBars(lake.store, gate, refresh: refresh)
  }

  func check() async throws { try await lake.store.check() }
  func close() { lake.store.close() }

  /// Whether the store could not be asked when it was asked last.
  var isAway: Bool { gate.isAway }

  /// The manifest that holds; nil when nothing was published yet, or the store is away and none is in memory.
  func current(of dataset: Dataset) async -> Snapshot? {
    let (known, task) = state.withLock { state -> (Snapshot?, Task<Snapshot?, Never>?) in
      let known = state.current[dataset]
      if let known, ContinuousClock.now - known.at < refresh { return (known.snapshot, nil) }
      let task = state.loading[dataset] ?? Task { await self.load(dataset, known?.snapshot) }
      state.loading[dataset] = task
      // While the store is away no answer waits for it: a later one sees that it is back.
      return (known?.snapshot, known != nil && gate.isAway ? nil : task)
    }
    return if let task { await task.value } else { known }
  }

  private func load(_ dataset: Dataset, _ known: Snapshot?) async -> Snapshot? {
    let loaded: (snapshot: Snapshot?, at: ContinuousClock.Instant)
    do {
      loaded = (try await gate.ask { [lake] in
        guard let pointer = try await lake.pointer(of: dataset.rawValue) else { return nil }
        if let known, known.sequence == pointer.sequence { return known }
        return Snapshot(try await lake.manifest(of: pointer))
      }, .now)
    } catch {
      // Asked again a second later, not by each request.
      loaded = (known, .now - refresh + min(refresh, .seconds(1)))
    }
    if let snapshot = loaded.snapshot { keep(snapshot, of: dataset) }
    state.withLock { state in
      state.current[dataset] = loaded
      state.loading[dataset] = nil
    }
    return loaded.snapshot
  }

  /// The manifest that a page before was of.
  /// - Throws: `Problem` 404 when it is not kept any more; 503 when the store is away.
  func pinned(_ dataset: Dataset, _ sequence: Int64) async throws -> Snapshot {
    let name = "\(dataset.rawValue)/\(sequence)"
    if let known = state.withLock({ $0.pinned[name] }) { return known }
    do {
      let snapshot = try await gate.ask { [lake] in
        Snapshot(try await lake.manifest(of: try await lake.pointer(of: dataset.rawValue, sequence: sequence)))
      }
      keep(snapshot, of: dataset)
      return snapshot
    } catch let error as ObjectStoreError where error.kind == .noSuchKey {
      throw Problem(404, "cursor_expired", "the batch run of this cursor is not kept any more; begin anew")
    } catch where ErrorClass(of: error) == .transient {
      throw Problem.away("batch", "the store of the batch layer is away; ask again")
    }
  }

  private func keep(_ snapshot: Snapshot, of dataset: Dataset) {
    state.withLock { state in
      // Those of cursors that are turned to now; an older one is read again.
      if state.pinned.count >= 8 { state.pinned.removeAll() }
      state.pinned["\(dataset.rawValue)/\(snapshot.sequence)"] = snapshot
    }
  }

  /// The rows of a range that a snapshot has of a symbol, in order, at most `most`; nil when the store is away.
  /// - Parameter read: makes the rows of a part out of its lines, in the order of their begins. `variant` names what it
  ///   chooses among them.
  func rows(
    _ snapshot: Snapshot, of symbol: String, _ range: Range<Int64>, most: Int, variant: String,
    _ read: @Sendable ([UInt8]) throws -> [ViewRow]
  ) async throws -> [ViewRow]? {
    var found: [ViewRow] = []
    for part in snapshot.parts(of: symbol, range) where found.count < most {
      let all: [ViewRow]
      do {
        all = try await rows(of: part, variant, read)
      } catch where ErrorClass(of: error) == .transient {
        return nil
      }
      found += all[Self.lowerBound(all, range.lowerBound)..<Self.lowerBound(all, range.upperBound)]
    }
    return Array(found.prefix(most))
  }

  private func rows(
    of part: BatchManifest.Part, _ variant: String, _ read: ([UInt8]) throws -> [ViewRow]
  ) async throws -> [ViewRow] {
    let name = "\(part.lines ?? part.key) \(variant)"
    if let known = rows[name] { return known }
    let packed = try await gate.ask { [lake] in try await lake.packedLines(of: part) }
    guard let lines = Deflate.unpackGzip(packed) else {
      throw Failure(.fatal, code: "lake_unreadable", "\(part.lines ?? part.key) is not whole gzip")
    }
    let made = try read(lines)
    rows[name] = made
    return made
  }

  /// The first row that begins at a time or later.
  private static func lowerBound(_ rows: [ViewRow], _ time: Int64) -> Int {
    var (low, high) = (0, rows.count)
    while low < high {
      let middle = (low + high) / 2
      if rows[middle].start < time { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// Rows of parts, the ones that were used last, up to a size.
private final class RowCache: Sendable {
  private struct Entry {
    var rows: [ViewRow]
    var bytes: Int
    var used: UInt64
  }
  private struct State {
    var entries: [String: Entry] = [:]
    var bytes = 0
    var clock: UInt64 = 0
  }
  private let state = Mutex(State())
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  subscript(name: String) -> [ViewRow]? {
    get {
      state.withLock { state in
        guard var entry = state.entries[name] else { return nil }
        state.clock += 1
        entry.used = state.clock
        state.entries[name] = entry
        return entry.rows
      }
    }
    set {
      guard let rows = newValue else { return }
      let bytes = rows.reduce(200) { $0 + $1.members.count + 64 }
      guard bytes <= limit else { return }
      state.withLock { state in
        state.clock += 1
        state.bytes += bytes - (state.entries.updateValue(
          Entry(rows: rows, bytes: bytes, used: state.clock), forKey: name)?.bytes ?? 0)
        while state.bytes > limit, let oldest = state.entries.min(by: { $0.value.used < $1.value.used }) {
          state.entries[oldest.key] = nil
          state.bytes -= oldest.value.bytes
        }
      }
    }
  }
}
