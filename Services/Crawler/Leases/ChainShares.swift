import Logging
import Runtime
import ServiceKit

/// This replica's share of the sources: takes leases, renews them, gives up what others are to have, and says to the
/// loop of each source when it may crawl.
///
/// Three times within a lease's life each replica says that it lives, learns who else does, works out who owns what
/// (`ShareOut`), and moves towards it. Whoever dies loses its leases when they expire, and a heartbeat later others
/// have them. A source that moves is given back by its owner first, after what it was announcing is seen through, so it
/// is never crawled by two at once.
package actor ChainShares {
  package nonisolated let leases: RedisLeases
  /// By what logs call them, the names of their leases.
  private let sources: [String: String]
  private let timeout: Duration
  /// Of this process, and of no other.
  private let member: String
  private let relisting: RelistRequests
  private let context: ServiceContext
  private var held: [String: Tenure] = [:]
  /// Loops that wait until they may crawl.
  private var waiting: [String: CheckedContinuation<Tenure?, Never>] = [:]
  private var lastNumber = 0
  private var isOver = false

  /// - Parameters:
  ///   - sources: by what logs call them, the names of their leases, which mean the same to every replica.
  ///   - name: begins the member's name, for people who look at the keys.
  ///   - timeout: how long a lease lives that is not renewed.
  package init(
    leases: RedisLeases, sources: [String: String], timeout: Duration, name: String, relisting: RelistRequests,
    context: ServiceContext
  ) {
    self.leases = leases
    self.sources = sources
    self.timeout = timeout
    self.relisting = relisting
    self.context = context
    member = "\(name)-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
  }

  // MARK: For the loops of the sources

  /// Waits until this replica may crawl the source. What is returned must be given back.
  /// - Returns: nil when the process drains.
  func tenure(of source: String) async -> Tenure? {
    if isOver { return nil }
    return await withCheckedContinuation { waiting[source] = $0 }
  }

  /// The source is not crawled any more; the lease is free for the next owner.
  func giveBack(_ tenure: Tenure) async {
    if held[tenure.source] === tenure { held[tenure.source] = nil }
    guard tenure.isHeld else { return }
    do {
      try await leases.release(tenure)
    } catch {
      context.logger.info(
        "a lease was not given back and will expire", metadata: ["source": "\(tenure.source)", "reason": "\(error)"])
    }
  }

  /// A link to a file of the chain expired: whoever crawls the chain is to list it again soon.
  func relist(_ chain: String) async throws {
    let source = relisting.source(of: chain)
    if held[source] != nil { relisting.request(chain) } else { try await leases.askToRelist(chain) }
  }

  // MARK: The heartbeat

  /// Works until drained and until every tenure is given back.
  /// - Throws: errors of Redis that waiting does not mend.
  func run() async throws {
    defer { finish() }
    let readiness = context.health.readiness("leases")
    let heartbeat = context.health.liveness("leases", maxAge: .seconds(120))
    // Ends tenures in time also while a command to Redis hangs.
    let watch = Task { await endExpired() }
    defer { watch.cancel() }
    while !context.drain.isRaised {
      heartbeat.beat()
      do {
        try await beat()
        readiness.set(ready: true)
      } catch let error where ErrorClass(of: error) == .transient {
        readiness.failed(error)
        context.logger.warning("leases cannot be renewed", metadata: ["reason": "\(error)"])
      }
      if await context.drain.sleep(for: timeout / 3) { break }
    }
    finish()
    // What is being announced is still ours while it is seen through.
    while !held.isEmpty, !Task.isCancelled {
      _ = try? await renew()
      try? await Task.sleep(for: min(timeout / 3, .milliseconds(100)))
    }
    try? await leases.leave(member)
  }

  private func beat() async throws {
    let members = try await leases.join(member, sources: sources.values.sorted(), timeout: timeout)
    let owners = ShareOut.owners(members)
    let mine = Set(sources.filter { owners[$0.value] == member }.keys)
    try await renew()
    for tenure in held.values where !mine.contains(tenure.source) && !tenure.ended.isRaised {
      context.logger.info("another replica takes over", metadata: ["source": "\(tenure.source)"])
      tenure.ended.raise()
    }
    try await take(mine.filter { held[$0] == nil && waiting[$0] != nil })
    CrawlerMetrics.held(held.count)
    // Nothing to crawl is nothing to complain about.
    if held.isEmpty { context.health.readiness("crawler").set(ready: true) }
    try await relistWhatIsAskedFor()
  }

  private func renew() async throws {
    let tenures = held
    let until = end(from: .now)
    let renewed = try await leases.renew(Array(tenures.values), timeout: timeout)
    // One that was given back meanwhile is nobody's loss.
    for (source, tenure) in tenures where held[source] === tenure {
      if renewed.contains(tenure.fence) { tenure.extend(until: until) } else { lose(tenure) }
    }
  }

  private func take(_ wanted: Set<String>) async throws {
    guard !wanted.isEmpty else { return }
    let until = end(from: .now)
    let tenures = wanted.sorted().map { source in
      lastNumber += 1
      return Tenure(
        source: source, lease: sources[source] ?? source, fence: "\(member)/\(lastNumber)", until: until)
    }
    for tenure in try await leases.take(tenures, timeout: timeout) {
      guard !isOver, let loop = waiting.removeValue(forKey: tenure.source) else {
        try await leases.release(tenure)
        continue
      }
      held[tenure.source] = tenure
      context.logger.info("crawling", metadata: ["source": "\(tenure.source)"])
      loop.resume(returning: tenure)
    }
  }

  private func relistWhatIsAskedFor() async throws {
    let mine = try await leases.chainsToRelist().filter { held[relisting.source(of: $0)] != nil }
    try await leases.relisting(mine)
    for chain in mine { relisting.request(chain) }
  }

  private func end(from sent: ContinuousClock.Instant) -> ContinuousClock.Instant { sent + timeout - timeout / 10 }

  private func endExpired() async {
    while !Task.isCancelled {
      for tenure in held.values where !tenure.isHeld && !tenure.ended.isRaised { lose(tenure) }
      try? await Task.sleep(for: min(timeout / 30, .milliseconds(500)))
    }
  }

  private func lose(_ tenure: Tenure) {
    context.logger.warning("a lease was lost", metadata: ["source": "\(tenure.source)"])
    tenure.lose()
  }

  private func finish() {
    isOver = true
    for loop in waiting.values { loop.resume(returning: nil) }
    waiting = [:]
    for tenure in held.values { tenure.ended.raise() }
  }
}
