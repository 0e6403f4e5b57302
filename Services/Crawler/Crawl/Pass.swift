import Core
import Foundation
import Logging
import Messages
import PriceFiles
import Values

/// One pass over one source: lists its files, drops those announced before, announces the others in order of time, and
/// marks them.
///
/// Where links last for minutes (`linksExpire`) each page is announced before the next is read, the links that expire
/// first before the others.
struct Pass {
  let engine: any PortalEngine
  let store: SeenStore
  let announcer: any Announcer
  let settings: CrawlSettings
  let zone: ZoneTable
  let drain: Interruption
  /// Without it nothing is announced or marked; nil when this process crawls all its sources.
  var lease: SourceLease?
  var relisting = RelistRequests()
  let logger: Logger
  /// Called at every step forward.
  let beat: @Sendable () -> Void

  struct Report {
    var listed = 0
    /// Rows, price files or not.
    var rows = 0
    var unknownColumns: Set<String> = []
    var isCut = false
    /// The drain ended the pass: the report is incomplete.
    var isAbandoned = false
    var seen = 0
    var emitted = 0
    var skipped: [String: Int] = [:]
    /// The first entries left out for their names.
    var misnamed: [String] = []
    /// The error that ended the listing; the files before it were announced.
    var failure: (any Error)?
  }

  private struct Candidate {
    var file: ListedFile
    var entry: SeenEntry
    var time: Timestamp?
    /// For sorting, microseconds since 1970: the file's time, or the start of its day when its name has no time.
    var instant: Int64
  }

  /// - Throws: errors of the store and of the announcer. Errors of the source are in the report.
  func run() async throws -> Report {
    var (fresh, report) = try await collectUntilDrained()
    Self.sort(&fresh)
    try await announceAll(fresh, &report)
    for (reason, count) in report.skipped { CrawlerMetrics.skipped(engine.source, reason, count) }
    return report
  }

  private static func sort(_ candidates: inout [Candidate]) {
    candidates.sort { left, right in
      let ends = (left.file.linkExpires?.microseconds ?? .max, right.file.linkExpires?.microseconds ?? .max)
      return (ends.0, left.instant, left.file.name.type.rawValue, left.file.fileName)
        < (ends.1, right.instant, right.file.name.type.rawValue, right.file.fileName)
    }
  }

  private func announceAll(_ fresh: [Candidate], _ report: inout Report) async throws {
    var rest = fresh[...]
    while !rest.isEmpty, !drain.isRaised {
      let chunk = rest.prefix(settings.chunk)
      rest = rest.dropFirst(chunk.count)
      guard try await announce(chunk, &report) else { break }
      beat()
    }
  }

  /// The drain ends a listing: none of its files is in flight yet.
  private func collectUntilDrained() async throws -> ([Candidate], Report) {
    try await withThrowingTaskGroup(of: ([Candidate], Report)?.self) { group in
      group.addTask { try await collect() }
      group.addTask {
        await drain.wait()
        return nil
      }
      defer { group.cancelAll() }
      if let collected = try await group.next().flatMap({ $0 }) { return collected }
      var report = Report()
      report.isAbandoned = true
      return ([], report)
    }
  }

  private func collect() async throws -> ([Candidate], Report) {
    var report = Report()
    var fresh: [Candidate] = []
    var taken = 0
    var known: Set<String> = []
    // An error of the store or of Kafka, unlike one of the source, ends the crawler.
    var storeError: (any Error)?
    do {
      try await engine.list(settings.types) { listing in
        beat()
        note(listing, &report)
        var candidates: [Candidate] = []
        for file in listing.files where known.insert("\(file.chain)/\(file.fileName)").inserted {
          if let candidate = candidate(file, &report) { candidates.append(candidate) }
        }
        let room = settings.maxFiles - taken
        do {
          let unseen = try await unseen(candidates, &report)
          let accepted = Array(unseen.prefix(room))
          taken += accepted.count
          if engine.linksExpire {
            try await announceNow(accepted, &report)
            if drain.isRaised || report.failure != nil { return false }
          } else {
            fresh += accepted
          }
          guard unseen.count > room else { return true }
          report.skipped["over_limit", default: 0] += unseen.count - room
          logger.warning(
            "the source has more new files than one pass takes",
            metadata: [
              "limit": .stringConvertible(settings.maxFiles),
            ])
        } catch {
          storeError = error
        }
        return false
      }
    } catch {
      if Task.isCancelled || error is CancellationError { throw CancellationError() }
      report.failure = error
    }
    if let storeError { throw storeError }
    return (fresh, report)
  }

  private func note(_ listing: Listing, _ report: inout Report) {
    report.listed += listing.files.count
    report.rows += listing.files.count + listing.skipped.values.reduce(0, +)
    report.unknownColumns.formUnion(listing.unknownColumns.prefix(20))
    report.isCut = report.isCut || listing.isCut
    report.misnamed += listing.misnamed.prefix(Listing.maxMisnamed - report.misnamed.count)
    report.skipped.merge(listing.skipped, uniquingKeysWith: +)
    CrawlerMetrics.listed(engine.source, listing.files.count)
  }

  private func candidate(_ file: ListedFile, _ report: inout Report) -> Candidate? {
    guard settings.types.contains(file.name.type) else {
      report.skipped["type", default: 0] += 1
      return nil
    }
    let date = file.name.date
    let time = file.name.fileTime(zone: zone)
    let instant = time?.microseconds
      ?? zone.instant(year: date.year, month: date.month, day: date.day).epochSeconds * 1_000_000
    if let since = settings.since, instant < since.microseconds {
      report.skipped["before_since", default: 0] += 1
      return nil
    }
    let entry = SeenEntry(chain: file.chain, fileName: file.fileName, fingerprint: file.fingerprint)
    return Candidate(file: file, entry: entry, time: time, instant: instant)
  }

  private func unseen(_ candidates: [Candidate], _ report: inout Report) async throws -> [Candidate] {
    guard !candidates.isEmpty else { return [] }
    let seen = try await store.areSeen(candidates.map(\.entry))
    let unseen = zip(candidates, seen).filter { !$1 }.map(\.0)
    report.seen += candidates.count - unseen.count
    return unseen
  }

  /// Announces a page in the middle of a listing, in a task that is not cancelled with it: announcements in flight
  /// finish, so a drain leaves none announced and not marked.
  private func announceNow(_ page: [Candidate], _ report: inout Report) async throws {
    var page = page
    Self.sort(&page)
    let sorted = page
    let outcome = try await Task {
      var part = Report()
      try await announceAll(sorted, &part)
      return part
    }.value
    report.emitted += outcome.emitted
    report.failure = report.failure ?? outcome.failure
    report.skipped.merge(outcome.skipped, uniquingKeysWith: +)
  }

  /// - Returns: false after an error of the source at a request for a link; the files before it were announced.
  private func announce(_ chunk: ArraySlice<Candidate>, _ report: inout Report) async throws -> Bool {
    var hasFailed = false
    var announcements: [FileDiscovered] = []
    var entries: [SeenEntry] = []
    let now = Timestamp.now()
    for candidate in chunk {
      // A drain does not wait for more links; files that have theirs are announced.
      if drain.isRaised { break }
      let file = candidate.file
      let link: String?
      do {
        link = try await engine.link(to: file)
      } catch {
        report.failure = report.failure ?? error
        hasFailed = true
        break
      }
      guard let link else {
        report.skipped["no_link", default: 0] += 1
        logger.warning("the portal lists a file without a link", metadata: ["file": "\(file.fileName)"])
        continue
      }
      announcements.append(FileDiscovered(
        chain: file.chain, url: link, timestamp: now, fileName: file.fileName, fileType: file.name.type,
        storeID: file.name.storeID, size: file.size, fingerprint: candidate.entry.fingerprint.description,
        fileTime: candidate.time))
      entries.append(candidate.entry)
      relisting.learn(file.chain, from: engine.source)
    }
    guard !announcements.isEmpty else { return !hasFailed }
    try lease?.requireHeld()
    try await announcer.announce(announcements)
    // A crash between these two lines announces the chunk again; it loses nothing.
    if let lease { try await lease.mark(entries) } else { try await store.mark(entries) }
    report.emitted += announcements.count
    for announcement in announcements {
      CrawlerMetrics.emitted(engine.source, announcement.fileType?.rawValue ?? "unknown")
    }
    return !hasFailed
  }
}
