import Archiving
import Core
import Logging
import ObjectStore
import Values

/// Takes restores a step further. One owner does it at a time; each step may be repeated.
struct RestoreKeeper {
  let catalogue: ArchiveCatalogue
  /// Where Azure puts what leaves the archive.
  static let tier = "Hot"
  let logger: Logger
  let now: Timestamp

  /// - Returns: the job as it is now; the same when nothing has changed.
  func advance(_ job: RestoreJob, isOwner: () -> Bool) async throws -> RestoreJob {
    var job = job
    switch job.state {
    case .requested, .restoring: try await restore(&job, isOwner)
    case .available:
      if let until = job.until, until <= now { job.state = .expired }
    case .failed, .expired: break
    }
    return job
  }

  private func restore(_ job: inout RestoreJob, _ isOwner: () -> Bool) async throws {
    let wanted = job
    (job.objects, job.bytes, job.available) = (0, 0, 0)
    var refusals: [String] = []
    for date in try await catalogue.index(of: job.dataset)?.dates ?? []
    where date.date >= job.from && date.date <= job.to {
      guard isOwner() else { return }
      var entries = try await catalogue.entries(of: job.dataset, on: date.date)
      let before = entries
      for place in entries.indices where wanted.covers(entries[place]) {
        job.objects += 1
        job.bytes += entries[place].bytes
        do {
          guard try await isReadable(&entries[place], days: Int(job.days)) else { continue }
          job.available += 1
        } catch let error as any ClassifiedError where error.errorClass != .transient {
          refusals.append("\(entries[place].object): \(error)")
        }
      }
      if entries != before, isOwner() { try await note(entries, of: job.dataset, on: date.date) }
    }
    if job.objects == 0 {
      job.state = .failed
      job.reason = "the catalogue has no such objects"
    } else if job.available + Int64(refusals.count) < job.objects {
      job.state = .restoring
    } else if let first = refusals.first {
      job.state = .failed
      job.reason = "\(refusals.count) of \(job.objects) objects cannot be restored; the first is \(first)"
    } else {
      job.state = .available
      job.until = Timestamp(microseconds: now.microseconds + job.days * 86_400_000_000)
    }
  }

  private func isReadable(_ entry: inout CatalogueEntry, days: Int) async throws -> Bool {
    let key = try ObjectKey(entry.object)
    guard try await catalogue.store.restore(key, to: Self.tier, days: days) else { return false }
    // Azure has moved it; S3 keeps it where it is, and a readable copy.
    if let tier = try await catalogue.store.state(of: key)?.tier { entry.tier = tier }
    return true
  }

  private func note(_ entries: [CatalogueEntry], of dataset: String, on date: String) async throws {
    try await catalogue.write(entries, of: dataset, on: date)
    guard var index = try await catalogue.index(of: dataset) else { return }
    index.put(ArchiveDate(date: date, entries))
    try await catalogue.write(index)
  }
}
