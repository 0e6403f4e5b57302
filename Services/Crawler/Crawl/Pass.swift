import Foundation
import Logging
import PriceFiles
import Runtime
import Schemas

/// One pass over one source: list, drop what was seen, announce the rest in order of time, mark it.
struct Pass {
  let engine: any PortalEngine
  let store: any SeenStore
  let announcer: any Announcer
  let settings: CrawlSettings
  let zone: ZoneTable
  let drain: Interruption
  let logger: Logger
  /// Called at every step forward.
  let beat: @Sendable () -> Void

  struct Report {
    var listed = 0
    var seen = 0
    var emitted = 0
    var skipped: [String: Int] = [:]
    /// What ended the listing early; what came before it was announced.
    var failure: (any Error)?
  }

  private struct Candidate {
    var file: ListedFile
    var entry: SeenEntry
    var time: Timestamp?
    /// For sorting: the file's time, or the start of its day when the name has no time.
    var instant: Int64
  }

  /// - Throws: errors of the store and of the announcer. Errors of the source are in the report.
  func run() async throws -> Report {
    var (fresh, report) = try await collectUntilDrained()
    fresh.sort { left, right in
      (left.instant, left.file.name.type.rawValue, left.file.fileName)
        < (right.instant, right.file.name.type.rawValue, right.file.fileName)
    }
    var rest = fresh[...]
    while !rest.isEmpty, !drain.isRaised {
      let chunk = rest.prefix(settings.chunk)
      rest = rest.dropFirst(chunk.count)
      do {
        try await announce(chunk, &report)
      } catch let error as LinkFailure {
        report.failure = report.failure ?? error.underlying
        break
      }
      beat()
    }
    for (reason, count) in report.skipped { CrawlerMetrics.skipped(engine.source, reason, count) }
    return report
  }

  /// A listing is given up when the drain begins: nothing of it is in flight yet.
  private func collectUntilDrained() async throws -> ([Candidate], Report) {
    try await withThrowingTaskGroup(of: ([Candidate], Report)?.self) { group in
      group.addTask { try await collect() }
      group.addTask {
        await drain.wait()
        return nil
      }
      defer { group.cancelAll() }
      return try await group.next().flatMap { $0 } ?? ([], Report())
    }
  }

  private func collect() async throws -> ([Candidate], Report) {
    var report = Report()
    var fresh: [Candidate] = []
    var known: Set<String> = []
    do {
      for try await listing in engine.listings(of: settings.types) {
        beat()
        report.listed += listing.files.count
        CrawlerMetrics.listed(engine.source, listing.files.count)
        for (reason, count) in listing.skipped { report.skipped[reason, default: 0] += count }
        var candidates: [Candidate] = []
        for file in listing.files where known.insert("\(file.chain)/\(file.fileName)").inserted {
          if let candidate = candidate(file, &report) { candidates.append(candidate) }
        }
        let unseen = try await unseen(candidates, &report)
        let room = settings.maxFiles - fresh.count
        fresh += unseen.prefix(room)
        if unseen.count > room {
          report.skipped["over_limit", default: 0] += unseen.count - room
          logger.warning("more new files than one pass takes", metadata: ["limit": "\(settings.maxFiles)"])
          break
        }
      }
    } catch let error as StoreFailure {
      throw error.underlying
    } catch {
      if Task.isCancelled || error is CancellationError { throw CancellationError() }
      report.failure = error
    }
    return (fresh, report)
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
    let seen: [Bool]
    do {
      seen = try await store.areSeen(candidates.map(\.entry))
    } catch {
      throw StoreFailure(underlying: error)
    }
    let unseen = zip(candidates, seen).filter { !$1 }.map(\.0)
    report.seen += candidates.count - unseen.count
    return unseen
  }

  private func announce(_ chunk: ArraySlice<Candidate>, _ report: inout Report) async throws {
    var announcements: [FileDiscovered] = []
    var entries: [SeenEntry] = []
    let now = Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    for candidate in chunk {
      // Asking for links takes time that a drain does not have; what has its link goes out.
      if drain.isRaised { break }
      let file = candidate.file
      let link: String?
      do {
        link = try await engine.link(to: file)
      } catch {
        throw LinkFailure(underlying: error)
      }
      guard let link else {
        report.skipped["no_link", default: 0] += 1
        logger.warning("the portal lists a file and gives no link to it", metadata: ["file": "\(file.fileName)"])
        continue
      }
      guard let now else { continue }
      announcements.append(FileDiscovered(
        chain: file.chain, url: link, timestamp: now, fileName: file.fileName, fileType: file.name.type,
        storeID: file.name.storeID, size: file.size, fingerprint: candidate.entry.fingerprint.description,
        fileTime: candidate.time))
      entries.append(candidate.entry)
    }
    guard !announcements.isEmpty else { return }
    try await announcer.announce(announcements)
    // A crash between these two lines announces the chunk again: repeated, never lost.
    try await store.mark(entries)
    report.emitted += announcements.count
    for announcement in announcements {
      CrawlerMetrics.emitted(engine.source, announcement.fileType?.rawValue ?? "unknown")
    }
  }

  /// Tells the store's errors from the source's inside one loop over both.
  private struct StoreFailure: Error { var underlying: any Error }
  private struct LinkFailure: Error { var underlying: any Error }
}
