import Catalogue
import Core
import Kafka
import Messages
import Operations
import ServiceKit
import Synchronization
import Values

/// Jobs of the batch layer: what was asked for, and how far it is.
extension Board {
  var jobPages: [Page] {
    guard let topics = gateway.topics else { return [] }
    let backfills = sources.map { sources in
      Kept(for: .seconds(5)) { try await Backfills.read(sources.cluster) }
    }
    let states = [""] + BatchStatus.State.allCases.map(\.rawValue)
    return [
      Page(
        ["jobs"], .jobs, "Jobs", "What the batch layer computes and what is filled in, the newest first.",
        [
          Parameter("state", .choice(states, standard: ""), "Only jobs of this state."),
          Gateway.limit(50, 500),
        ], refresh: .seconds(3)
      ) { view in
        PageContent([batchPanel(view, topics)] + (backfills.map { [backfillPanel($0)] } ?? []))
      },
    ]
  }

  private func batchPanel(_ view: PageRequest, _ topics: LiveTopics) -> Panel {
    Panel("batch", "Batch jobs", .command("souk batch list")) {
      guard topics.isReachable || topics.hasRead(Topics.batchJobs) else {
        throw Problem.away("kafka", "Kafka does not answer, and the topic of jobs has not been read yet.")
      }
      var table = Table([
        .text("job", "Job"), .text("kind", "Kind"), .text("state", "State"), .number("parts_done", "Done"),
        .number("parts_total", "Of"), .number("rows", "Rows"), .text("updated_at", "Updated"),
        .text("message", "Message"),
      ])
      let wanted = view.text("state")
      for (job, status) in gateway.live.jobs(most: 1_000) {
        let state = status?.state.rawValue ?? (job.cancelled ? "cancelled" : "submitted")
        guard wanted.isEmpty || state == wanted, table.report.rows.count < view.count("limit") else { continue }
        table.append([
          .text(job.jobID), .text(job.kind.rawValue), .text(state), .count(status?.partsDone),
          .count(status?.partsTotal), .count(status?.rows),
          .text(RFC3339.text(ns: status?.updatedNs ?? job.submittedNs, digits: 0)),
          .text(status?.message ?? status?.reason),
        ], status?.state == .failed ? .bad : .plain)
      }
      return Panel.Filling([.table(table)], nothing: "No job was submitted. POST /api/v1/jobs submits one.")
    }
  }

  private func backfillPanel(_ kept: Kept<Backfills>) -> Panel {
    Panel("backfills", "Back-fills", .command("souk backfill status")) {
      let (known, at) = try await kept.value()
      var table = Table([
        .text("job", "Job"), .text("feed", "Feed"), .text("interval", "Interval"), .text("from", "From"),
        .text("until", "Until"), .number("symbols", "Symbols"), .number("parts_done", "Parts done"),
        .number("parts_refused", "Refused"), .number("bars", "Bars"), .text("state", "State"),
      ], name: "backfills")
      for job in known.jobs.sorted(by: { ($1.startedNs, $0.jobID) < ($0.startedNs, $1.jobID) }).prefix(200) {
        let parts = known.parts(of: job)
        let refused = parts.count { $0.state == .refused }
        table.append([
          .text(job.jobID), .text(job.feed), .text(job.interval), .text(RFC3339.text(ns: job.fromNs, digits: 0)),
          .text(RFC3339.text(ns: job.untilNs, digits: 0)), .count(job.symbols.count), .count(parts.count - refused),
          .count(refused), .count(parts.reduce(0) { $0 + $1.bars }),
          .text(job.finishedNs.map { "finished \(RFC3339.text(ns: $0, digits: 0))" }
            ?? "since \(RFC3339.text(ns: job.startedNs, digits: 0))"),
        ], refused > 0 ? .warning : .plain)
      }
      return Panel.Filling([.table(table)], asOf: at, nothing: "No back-fill was started. `souk backfill` starts one.")
    }
  }
}

/// What the topics say of back-fills.
struct Backfills: Sendable {
  var jobs: [BackfillJob] = []
  /// The last of each key.
  var statuses: [[UInt8]: BackfillStatus] = [:]

  static func read(_ cluster: Cluster) async throws -> Backfills {
    let found = Mutex(Backfills())
    let known = try await cluster.admin.topics()
    for topic in [Topics.backfillJobs.name, Topics.backfillStatus.name] where known[topic]?.isEmpty == false {
      try await cluster.read(topic, stop: Interruption()) { record in
        let record = ReadRecord(record)
        guard let key = record.key, let value = record.value else { return }
        found.withLock { found in
          if topic == Topics.backfillStatus.name {
            found.statuses[key] = try? BackfillStatus(decoding: value)
          } else if let job = try? BackfillJob(decoding: value) {
            found.jobs.removeAll { $0.jobID == job.jobID }
            found.jobs.append(job)
          }
        }
      }
    }
    return found.withLock { $0 }
  }

  /// Periods of the job's symbols that lie in its time and were looked at since it started.
  func parts(of job: BackfillJob) -> [BackfillStatus] {
    let symbols = Set(job.symbols)
    return statuses.values.filter { status in
      status.feed == job.feed && status.interval == job.interval && symbols.contains(status.symbol)
        && status.untilNs > job.fromNs && status.fromNs < job.untilNs && status.knownNs >= job.startedNs
    }
  }
}
