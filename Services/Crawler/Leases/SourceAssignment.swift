import Core
import Logging
import ServiceKit

/// This replica's share of the sources: acquires, renews and releases leases, and tells the loop of each source when it
/// may crawl.
///
/// Three times within a lease's life each replica registers itself, reads the live members, computes the owner of each
/// source (`RendezvousHash`), and acquires or releases leases accordingly. The leases of a dead replica expire; one
/// heartbeat later other replicas hold them. The owner of a source that moves finishes its announcements and releases
/// the lease first, so no source is ever crawled by two replicas at once.
package actor SourceAssignment {
  private let leases: RedisLeases
  /// Lease names by source.
  private let sources: [String: String]
  private let timeout: Duration
  /// Unique to this process.
  private let member: String
  private let relisting: RelistRequests
  private let context: ServiceContext
  private var held: [String: SourceLease] = [:]
  /// Loops that wait for a lease.
  private var waiting: [String: CheckedContinuation<SourceLease?, Never>] = [:]
  private var lastNumber = 0
  private var isOver = false

  /// - Parameters:
  ///   - sources: lease names by source; a lease name means the same source in every replica.
  ///   - name: the beginning of the member's name, for readers of the keys.
  ///   - timeout: how long a lease lives without renewal.
  package init(
    leases: RedisLeases, sources: [String: String], timeout: Duration, name: String, relisting: RelistRequests,
    context: ServiceContext
  ) {
    self.leases = leases
    self.sources = sources
    self.timeout = timeout
    self.relisting = relisting
    self.context = context
    context.expect(["leases"])
    member = "\(name)-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
  }

  // MARK: For the loops of the sources

  /// Waits until this replica may crawl the source. The caller releases the lease.
  /// - Returns: nil when the process drains.
  func lease(of source: String) async -> SourceLease? {
    if isOver { return nil }
    return await withCheckedContinuation { waiting[source] = $0 }
  }

  /// Releases the lease; crawling has ended.
  func release(_ lease: SourceLease) async {
    if held[lease.source] === lease { held[lease.source] = nil }
    guard lease.isHeld else { return }
    do {
      try await leases.release(lease)
    } catch {
      context.logger.info(
        "a lease was not released and will expire", metadata: ["source": "\(lease.source)", "reason": "\(error)"])
    }
  }

  /// A link to a file of the chain expired: asks the chain's owner to list it again.
  func relist(_ chain: String) async throws {
    let source = relisting.source(of: chain)
    if held[source] != nil { relisting.request(chain) } else { try await leases.askToRelist(chain) }
  }

  // MARK: The heartbeat

  /// Works until drained and until every lease is released.
  /// - Throws: errors of Redis that do not pass by waiting.
  func run() async throws {
    defer { finish() }
    let readiness = context.health.readiness("leases")
    let heartbeat = context.health.liveness("leases", maxAge: .seconds(120))
    // Ends leases in time even while a command to Redis hangs.
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
    // Keeps the leases while announcements in flight finish.
    while !held.isEmpty, !Task.isCancelled {
      _ = try? await renew()
      try? await Task.sleep(for: min(timeout / 3, .milliseconds(100)))
    }
    try? await leases.leave(member)
  }

  private func beat() async throws {
    let members = try await leases.join(member, sources: sources.values.sorted(), timeout: timeout)
    let owners = RendezvousHash.owners(members)
    let mine = Set(sources.filter { owners[$0.value] == member }.keys)
    try await renew()
    for lease in held.values where !mine.contains(lease.source) && !lease.ended.isRaised {
      context.logger.info("another replica takes over", metadata: ["source": "\(lease.source)"])
      lease.ended.raise()
    }
    try await acquire(mine.filter { held[$0] == nil && waiting[$0] != nil })
    CrawlerMetrics.held(held.count)
    // A replica without sources is ready.
    if held.isEmpty { context.health.readiness("crawler").set(ready: true) }
    try await relistWhatIsAskedFor()
  }

  private func renew() async throws {
    let taken = held
    let until = end(from: .now)
    let renewed = try await leases.renew(Array(taken.values), timeout: timeout)
    // A lease released in the meantime is not lost.
    for (source, lease) in taken where held[source] === lease {
      if renewed.contains(lease.fence) { lease.extend(until: until) } else { lose(lease) }
    }
  }

  private func acquire(_ wanted: Set<String>) async throws {
    guard !wanted.isEmpty else { return }
    let until = end(from: .now)
    let wantedLeases = wanted.sorted().map { source in
      lastNumber += 1
      return SourceLease(
        source: source, name: sources[source] ?? source, fence: "\(member)/\(lastNumber)", leases: leases,
        until: until)
    }
    for lease in try await leases.acquire(wantedLeases, timeout: timeout) {
      guard !isOver, let loop = waiting.removeValue(forKey: lease.source) else {
        try await leases.release(lease)
        continue
      }
      held[lease.source] = lease
      context.logger.info("crawling", metadata: ["source": "\(lease.source)"])
      loop.resume(returning: lease)
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
      for lease in held.values where !lease.isHeld && !lease.ended.isRaised { lose(lease) }
      try? await Task.sleep(for: min(timeout / 30, .milliseconds(500)))
    }
  }

  private func lose(_ lease: SourceLease) {
    context.logger.warning("a lease was lost", metadata: ["source": "\(lease.source)"])
    lease.lose()
  }

  private func finish() {
    isOver = true
    for loop in waiting.values { loop.resume(returning: nil) }
    waiting = [:]
    for lease in held.values { lease.ended.raise() }
  }
}

/// Assigns each source to a replica. Every replica computes the assignment itself; the same members give the same one.
///
/// Rendezvous hashing with a limit: each source goes to the member that ranks highest for it among those that know it
/// and have room. So shares differ by at most one source, and a member that joins or leaves moves few sources of the
/// others.
enum RendezvousHash {
  /// - Parameter members: the sources each member knows, by its name; during a deployment these may differ.
  /// - Returns: the owner of every source.
  static func owners(_ members: [String: Set<String>]) -> [String: String] {
    let sources = members.values.reduce(into: Set<String>()) { $0.formUnion($1) }
    guard !members.isEmpty else { return [:] }
    let (least, larger) = sources.count.quotientAndRemainder(dividingBy: members.count)
    /// How many members may still have one source more than `least`.
    var spare = larger
    var load: [String: Int] = [:]
    var owners: [String: String] = [:]
    for source in sources.sorted() {
      let candidates = members.filter { $0.value.contains(source) }.keys
        .sorted { (rank(source, $0), $0) > (rank(source, $1), $1) }
      // When no member that knows the source has room, the least loaded takes it.
      let owner = candidates.first { load[$0, default: 0] < least }
        ?? candidates.first { spare > 0 && load[$0, default: 0] == least }
        ?? candidates.min { load[$0, default: 0] < load[$1, default: 0] }
      guard let owner else { continue }
      if load[owner, default: 0] == least { spare -= 1 }
      load[owner, default: 0] += 1
      owners[source] = owner
    }
    return owners
  }

  /// MurmurHash3's 64-bit finalizer over a hash of both names, so that every bit counts.
  private static func rank(_ source: String, _ member: String) -> UInt64 {
    var hash = Shard.hash("\(source)\u{0}\(member)")
    hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
    hash = (hash ^ (hash >> 33)) &* 0xc4ce_b9fe_1a85_ec53
    return hash ^ (hash >> 33)
  }
}
