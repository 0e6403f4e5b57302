import Core
import Messages
import ServiceKit
import Values

/// Jobs of the batch layer: written into their topic, from where the batch runner takes them.
extension Gateway {
  private static let job = Parameter("job", .word(most: 64), in: .path, "The job's id.")

  var jobEndpoints: [Endpoint] {
    [
      Endpoint(
        .post, "/jobs", "submitJob", """
          Have the batch layer compute something. An id that there is already is the same job once more.
          """, scope: .jobs, body: Endpoint.Body(schema: "JobBody", limit: 64 << 10), answer: .accepted
      ) { try await submit($0) },
      Endpoint(
        .get, "/jobs", "jobs", "Jobs and how far they are, the newest first.", [Self.limit(100, 1_000)], answer: .jobs
      ) { jobs($0) },
      Endpoint(
        .get, "/jobs/{job}", "job", "How far a job is.", [Self.job], answer: .job, mayBeUnknown: true
      ) { try job($0.text("job")) },
      Endpoint(
        .delete, "/jobs/{job}", "cancelJob", "End a job; one that has ended stays as it is.", scope: .jobs, [Self.job],
        answer: .nothing, mayBeUnknown: true) { try await cancel($0.text("job")) },
      Endpoint(
        .get, "/jobs/{job}/live", "watchJob", "States of a job as they change: server-sent events, until its end.",
        [Self.job], answer: .events, mayBeUnknown: true) { try watch($0) },
    ]
  }

  /// What jobs depend on that is away.
  private var away: [Part] {
    (topics?.isFollowing == true ? [] : [.kafka]) + (dask.map { $0.state.isConnected } ?? true ? [] : [.dask])
  }

  private func submit(_ call: Call) async throws -> Reply {
    let job = try JobRequest.read(call.body).job(submittedNs: now() * 1_000_000)
    try await changes.submit(job)
    live.note(job)
    note(away)
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("job_id", job.jobID)
    writer.field("run", job.run)
    writer.truth(Truth(watermark: job.submittedNs, away: away))
    writer.endObject()
    return .accepted(writer.array(), at: "/jobs/\(job.jobID)")
  }

  private func known(_ id: String) throws -> (job: BatchJob, status: BatchStatus?) {
    guard let known = live.job(id) else { throw Problem(404, "unknown_job", "there is no job '\(id)'") }
    return known
  }

  private func cancel(_ id: String) async throws -> Reply {
    let (job, status) = try known(id)
    guard !job.cancelled, status?.state.isEnd != true || status?.submittedNs ?? 0 < job.submittedNs else {
      return .nothing
    }
    var cancelled = job
    cancelled.cancelled = true
    try await changes.submit(cancelled)
    live.note(cancelled)
    return .nothing
  }

  private func jobs(_ call: Call) -> Reply {
    note(away)
    let jobs = live.jobs(most: call.count("limit"))
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("jobs")
    writer.beginArray()
    for (job, status) in jobs { Self.write(job, status, to: &writer) }
    writer.endArray()
    writer.truth(Truth(watermark: jobs.map { $0.status?.updatedNs ?? $0.job.submittedNs }.max(), away: away))
    writer.endObject()
    return .json(writer.array())
  }

  private func job(_ id: String) throws -> Reply {
    let (job, status) = try known(id)
    note(away)
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("job")
    Self.write(job, status, to: &writer)
    writer.truth(Truth(watermark: status?.updatedNs ?? job.submittedNs, away: away))
    writer.endObject()
    return .json(writer.array())
  }

  private func watch(_ call: Call) throws -> Reply {
    let id = call.text("job")
    _ = try known(id)
    try live.hub.admit()
    let listener = LiveListener(symbols: [id], kinds: ["job"], most: listenerBacklog)
    return .events { [live] writer in
      try await live.hub.serve(listener, after: nil, to: writer, from: {
        guard let (job, status) = live.job(id), let status = Self.status(status, of: job) else { return nil }
        return LiveEvent(kind: "job", symbol: id, json: status.encoded())
      }, until: { event in
        (try? BatchStatus(decoding: event.json))?.state.isEnd == true
      })
    }
  }

  /// A job that was submitted again has a status of its run before.
  private static func status(_ status: BatchStatus?, of job: BatchJob) -> BatchStatus? {
    status.flatMap { $0.submittedNs >= job.submittedNs ? $0 : nil }
  }

  private static func write(_ job: BatchJob, _ status: BatchStatus?, to writer: inout JSONWriter) {
    let status = self.status(status, of: job)
    writer.beginObject()
    writer.field("job_id", job.jobID)
    writer.field("kind", job.kind.rawValue)
    writer.field("run", job.run)
    writer.field("state", status?.state.rawValue ?? (job.cancelled ? "cancelled" : "submitted"))
    for (name, count) in [
      ("parts_done", status?.partsDone), ("parts_total", status?.partsTotal), ("rows", status?.rows),
    ] {
      writer.key(named: name)
      writer.integer(count ?? 0)
    }
    writer.text("engine", status?.engine)
    writer.text("message", status?.message)
    writer.text("reason", status?.reason)
    writer.text("dataset", status?.dataset)
    writer.time("submitted_at", ns: job.submittedNs)
    writer.time("updated_at", ns: status?.updatedNs)
    writer.endObject()
  }
}

/// The body of a submission.
struct JobRequest {
  static let kinds = BatchJob.Kind.allCases.map(\.rawValue)

  private var id: String?
  private var kind: BatchJob.Kind?
  private var symbols: [String] = []
  private var from: Int64?, until: Int64?
  private var parameters: [(String, String)] = []

  /// - Throws: `Problem` 400 that names the member.
  static func read(_ body: [UInt8]) throws(Problem) -> JobRequest {
    var request = JobRequest()
    try Body.read(body, requiring: ["kind"]) { name, reader throws(DecodingFailure) in
      try request.read(name, &reader)
    }
    return request
  }

  private mutating func read(_ name: String, _ reader: inout JSONReader) throws(DecodingFailure) -> Bool {
    switch name {
    case "kind":
      guard let word = BatchJob.Kind(rawValue: try reader.string()) else {
        throw reader.wrong(name, "is none of the kinds that openapi.json lists")
      }
      kind = word
    case "job_id":
      let text = try reader.string()
      guard Parameter.isNamed(text, 64, "._-") else {
        throw reader.wrong(name, "is no word of 1 to 64 letters, digits and . _ -")
      }
      id = text
    case "symbols":
      var cursor = try reader.beginArray()
      while try reader.nextElement(&cursor) {
        guard symbols.count < 1_000, case .text(let symbol)? = try? Parameter.symbol(try reader.string()) else {
          throw reader.wrong(name, "are at most 1,000 symbols such as BRK.B")
        }
        if !symbols.contains(symbol) { symbols.append(symbol) }
      }
    case "from": from = try reader.timestamp(field: name).microseconds
    case "until": until = try reader.timestamp(field: name).microseconds
    case "parameters":
      var cursor = try reader.beginObject()
      while let key = try reader.nextName(&cursor) {
        let value = try reader.string()
        guard parameters.count < 20, (1...200).contains(value.unicodeScalars.count),
          !parameters.contains(where: { $0.0 == key })
        else { throw reader.wrong(name, "are at most 20 texts of 1 to 200 characters, each name once") }
        parameters.append((key, value))
      }
    default: return false
    }
    return true
  }

  /// - Throws: `Problem` 409 for a range of time in which nothing is.
  func job(submittedNs: Int64) throws(Problem) -> BatchJob {
    func nanoseconds(_ microseconds: Int64?) -> Int64? {
      microseconds.map { min(max($0, 0), Parameter.times.upperBound * 1_000) * 1_000 }
    }
    let (from, until) = (nanoseconds(from), nanoseconds(until))
    if let from, let until, until <= from { throw Problem(409, "empty_range", "'until' is not behind 'from'") }
    let kind = kind ?? .compact
    return BatchJob(
      jobID: id ?? "\(kind.rawValue)-\(String(UInt32.random(in: 0 ... .max), radix: 16))", kind: kind,
      symbols: symbols.sorted(), fromNs: from, untilNs: until, parameters: TextValues(parameters),
      submittedNs: submittedNs, by: "gateway")
  }
}
