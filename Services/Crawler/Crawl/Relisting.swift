import Core
import Foundation
import Logging
import Messages
import Pipeline
import Synchronization

/// Handles files whose links expired before they were fetched: forgets that they were announced and requests another
/// pass over their chain, so that they are announced with a fresh link.
package struct ExpiredHandler: JobHandler {
  let store: SeenStore
  let relisting: RelistRequests
  /// nil when this process crawls all its chains.
  var assignment: SourceAssignment?
  let budget: RelistBudget
  let alerts: AlertLog
  let logger: Logger
  var now: @Sendable () -> Date = { Date() }

  package func handle(_ job: Job, emit: Emitter) async throws -> Disposition {
    guard let value = job.value else { return .skip(reason: "tombstone") }
    let file: FileDiscovered
    do {
      file = try FileDiscovered(decoding: value)
    } catch {
      return .reject(Rejection(code: error.code, stage: "decode", "\(error)"))
    }
    return try await takeBack(file)
  }

  package func takeBack(_ file: FileDiscovered) async throws -> Disposition {
    let fingerprint = file.fingerprint.flatMap { Fingerprint($0) }
    guard budget.grant("\(file.chain)/\(file.fileName)", now: Int64(now().timeIntervalSince1970)) else {
      await alerts.raise(Finding(
        kind: .linkExpires, severity: .warning, source: "\(file.chain)/\(file.fileName)", chain: file.chain,
        message: "the link to \(file.fileName) keeps expiring before it is fetched; it is not listed again today"))
      return .skip(reason: "relist_limit")
    }
    try await store.forget(chain: file.chain, fileName: file.fileName, fingerprint: fingerprint)
    if let assignment { try await assignment.relist(file.chain) } else { relisting.request(file.chain) }
    CrawlerMetrics.relisted(file.chain)
    logger.info("a link expired, listing again", metadata: ["chain": "\(file.chain)", "file": "\(file.fileName)"])
    return .keep
  }
}

/// Limits how often one file is listed again because its link expired: a file whose links never work must not be
/// announced for ever.
package final class RelistBudget: Sendable {
  private struct Spent {
    var count: Int
    /// When its first re-listing was granted, in seconds since 1970.
    var since: Int64
  }
  private let spent = Mutex<[String: Spent]>([:])
  private let limit: Int
  /// In seconds; after it the count of a file starts again.
  private let window: Int64
  private let maxFiles: Int

  /// - Parameter maxFiles: files remembered at a time; beyond it the oldest is forgotten.
  package init(limit: Int, window: Int64 = 86_400, maxFiles: Int = 200_000) {
    self.limit = limit
    self.window = window
    self.maxFiles = maxFiles
  }

  /// - Parameter now: seconds since 1970.
  /// - Returns: whether the file may be listed again; if so, it is counted.
  package func grant(_ file: String, now: Int64) -> Bool {
    spent.withLock { spent in
      if spent.count >= maxFiles, spent[file] == nil {
        spent = spent.filter { now - $0.value.since < window }
        if spent.count >= maxFiles, let oldest = spent.min(by: { $0.value.since < $1.value.since }) {
          spent[oldest.key] = nil
        }
      }
      var entry = spent[file] ?? Spent(count: 0, since: now)
      if now - entry.since >= window { entry = Spent(count: 0, since: now) }
      guard entry.count < limit else { return false }
      entry.count += 1
      spent[file] = entry
      return true
    }
  }
}

/// Wakes the loop of a source before its interval ends: the link to one of its files expired.
///
/// Requests that come close together cause one pass, and a pass begins at least `rest` after the one before.
package final class RelistRequests: Sendable {
  private struct State {
    /// Sources requested since their last pass.
    var pending: Set<String> = []
    /// Wakes the sources that sleep.
    var wakeups: [String: Interruption] = [:]
    /// The source of each chain that has another name than its source.
    var sources: [String: String] = [:]
  }
  private let state = Mutex(State())
  private let rest: Duration

  package init(rest: Duration = .seconds(15)) { self.rest = rest }

  /// Requests a pass over the chain's source. A chain without a source here is ignored.
  package func request(_ chain: String) {
    state.withLock { state in
      let source = state.sources[chain] ?? chain
      state.pending.insert(source)
      return state.wakeups[source]
    }?.raise()
  }

  /// The source of the chain's files, as far as this process knows.
  func source(of chain: String) -> String { state.withLock { $0.sources[chain] ?? chain } }

  /// Notes that files of `chain` come from `source`.
  func learn(_ chain: String, from source: String) {
    guard chain != source else { return }
    state.withLock { $0.sources[chain] = source }
  }

  /// A pass begins: it serves all earlier requests.
  func passBegins(_ source: String) { state.withLock { _ = $0.pending.remove(source) } }

  /// Sleeps for `delay`, or less when a pass over the source is requested.
  /// - Returns: true when the drain was raised.
  func sleep(_ source: String, for delay: Duration, drain: Interruption) async -> Bool {
    let rest = min(rest, delay)
    if await drain.sleep(for: rest) { return true }
    let wakeup = Interruption()
    let isRequested = state.withLock { state in
      state.wakeups[source] = wakeup
      return state.pending.contains(source)
    }
    defer { state.withLock { $0.wakeups[source] = nil } }
    if isRequested || delay <= rest { return drain.isRaised }
    return await withTaskGroup(of: Void.self) { group in
      group.addTask { _ = await drain.sleep(for: delay - rest) }
      group.addTask { await wakeup.wait() }
      await group.next()
      group.cancelAll()
      return drain.isRaised
    }
  }
}
