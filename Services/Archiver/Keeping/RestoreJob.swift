import Archiving
import Core
import Logging
import Messages
import ObjectStore
import Values

/// A restore: objects of an archive that are to be readable for some days.
package struct RestoreJob: FieldwiseObject, Hashable {
  package enum State: String, CaseIterable, Sendable, JSONValue {
    /// Written down; no archiver has begun it.
    case requested
    /// The store was asked; it takes hours.
    case restoring
    /// All its objects can be read, until `until`.
    case available
    /// `reason` says why; what could be restored can be read all the same.
    case failed
    /// `until` is over: its objects go back to their tier.
    case expired

    package var isEnded: Bool { self == .failed || self == .expired }
  }

  package var id: String
  package var dataset: String
  /// The first and the last date, `2025-01-20`.
  package var from: String
  package var to: String
  /// All when empty.
  package var symbols: [String] = []
  package var days: Int64
  package var state = State.requested
  package var reason: String?
  package var requestedAt: Timestamp
  package var changedAt: Timestamp
  /// How long its objects stay readable.
  package var until: Timestamp?
  /// Those it is about.
  package var objects: Int64 = 0
  package var bytes: Int64 = 0
  /// Those that can be read.
  package var available: Int64 = 0

  init(id: String, dataset: String, from: String, to: String, symbols: [String], days: Int64, at now: Timestamp) {
    self.id = id
    self.dataset = dataset
    (self.from, self.to, self.symbols, self.days) = (from, to, symbols, days)
    (requestedAt, changedAt) = (now, now)
  }

  package static let blank = Self(id: "", dataset: "", from: "", to: "", symbols: [], days: 0, at: .epoch)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("id", &id)
    try coder.required("dataset", &dataset)
    try coder.required("from", &from)
    try coder.required("to", &to)
    try coder.list("symbols", &symbols)
    try coder.required("days", &days)
    try coder.required("state", &state)
    try coder.field("reason", &reason)
    try coder.required("requested_at", &requestedAt)
    try coder.required("changed_at", &changedAt)
    try coder.field("until", &until)
    try coder.field("objects", &objects)
    try coder.field("bytes", &bytes)
    try coder.field("available", &available)
  }

  func covers(_ entry: CatalogueEntry) -> Bool {
    entry.date >= from && entry.date <= to && (symbols.isEmpty || symbols.contains(entry.symbol))
  }

  /// Whether its objects stay where they are.
  func holds(_ now: Timestamp) -> Bool { !state.isEnded && until.map { now < $0 } ?? true }
}

/// Where restores are written down: open ones are looked at by the owner of the catalogue, ended ones by people.
package struct RestoreBook: Sendable {
  let catalogue: ArchiveCatalogue

  private func folder(isEnded: Bool) -> String {
    "\(catalogue.folder)/\(CatalogueNames.restores)/\(isEnded ? "ended" : "open")/"
  }
  private func key(_ id: String, isEnded: Bool) -> String { "\(folder(isEnded: isEnded))\(id).json" }

  func open() async throws -> [RestoreJob] { try await jobs(isEnded: false) }

  /// All, the latest last.
  func all() async throws -> [RestoreJob] {
    (try await jobs(isEnded: true) + jobs(isEnded: false)).sorted { $0.id < $1.id }
  }

  private func jobs(isEnded: Bool) async throws -> [RestoreJob] {
    var jobs: [RestoreJob] = []
    for key in try await catalogue.keys(below: folder(isEnded: isEnded)) {
      if let bytes = try await catalogue.read(key) { jobs.append(try RestoreJob(json: bytes, of: key)) }
    }
    return jobs
  }

  func job(_ id: String) async throws -> RestoreJob? {
    for isEnded in [false, true] {
      let key = key(id, isEnded: isEnded)
      if let bytes = try await catalogue.read(key) { return try RestoreJob(json: bytes, of: key) }
    }
    return nil
  }

  /// An ended one is written beside the ended ones first, and taken from the open ones then.
  func write(_ job: RestoreJob) async throws {
    try await catalogue.write(job.json, key(job.id, isEnded: job.state.isEnded))
    if job.state.isEnded { try await catalogue.store.delete(ObjectKey(key(job.id, isEnded: false))) }
  }
}

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
