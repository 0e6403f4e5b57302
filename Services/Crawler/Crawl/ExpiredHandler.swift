import Foundation
import Logging
import Pipeline
import Runtime
import Schemas

/// Takes back files whose links expired before they were fetched: forgets that they were announced and has their
/// chain listed again soon, so that they are announced with a fresh link.
package struct ExpiredHandler: JobHandler {
  private let store: any SeenStore
  private let relisting: RelistRequests
  /// nil when this process crawls every chain it knows.
  private let shares: ChainShares?
  private let budget: RelistBudget
  private let alerts: AlertLog
  private let logger: Logger
  private let now: @Sendable () -> Date

  package init(
    store: any SeenStore, relisting: RelistRequests, shares: ChainShares? = nil, budget: RelistBudget,
    alerts: AlertLog, logger: Logger,
    now: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.store = store
    self.relisting = relisting
    self.shares = shares
    self.budget = budget
    self.alerts = alerts
    self.logger = logger
    self.now = now
  }

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
    if let shares { try await shares.relist(file.chain) } else { relisting.request(file.chain) }
    CrawlerMetrics.relisted(file.chain)
    logger.info("a link expired, listing again", metadata: ["chain": "\(file.chain)", "file": "\(file.fileName)"])
    return .keep
  }
}
