import Catalogue

/// How far a job of the batch layer is.
///
/// `batch-status`, compacted, key `job_id`. `done` is written after the manifest is published, and the offset of the
/// job is committed after `done`: a runner that ends between them publishes the same run again, which changes nothing.
package struct BatchStatus: FieldwiseMessage {
  package enum State: String, CaseIterable, Sendable, JSONValue {
    /// Read, not begun: another job is in hand.
    case queued
    case running
    case done
    /// `reason` and `message` say why; it is tried again only when it is submitted again.
    case failed
    case cancelled

    package var isEnd: Bool { self == .done || self == .failed || self == .cancelled }
  }

  package var jobID: String
  package var kind: BatchJob.Kind
  package var run: String
  package var state: State
  package var partsDone: Int64 = 0
  package var partsTotal: Int64 = 0
  package var rows: Int64 = 0
  package var engine: String = ""
  package var attempt: Int64 = 0
  package var message: String = ""
  package var reason: String?
  package var dataset: String?
  package var manifest: String?
  package var sequence: Int64?
  package var boundaries: [Boundary] = []
  package var submittedNs: Int64
  package var startedNs: Int64?
  package var updatedNs: Int64
  package var finishedNs: Int64?

  package struct Boundary: Hashable, Sendable {
    package var symbol: String
    package var untilNs: Int64

    package init(symbol: String, untilNs: Int64) { (self.symbol, self.untilNs) = (symbol, untilNs) }
  }

  package static let topic = Topics.batchStatus

  /// The first status of a job.
  package init(of job: BatchJob, state: State, at nanoseconds: Int64) {
    (jobID, kind, run) = (job.jobID, job.kind, job.run)
    self.state = state
    submittedNs = job.submittedNs
    updatedNs = nanoseconds
  }

  package var key: [UInt8] { Array(jobID.utf8) }

  package static let blank = Self(of: .blank, state: .queued, at: 0)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("job_id", &jobID, "The job")
    try coder.required("kind", &kind, "What is computed")
    try coder.required("run", &run, "The run that works on it")
    try coder.required("state", &state, "How far the job is")
    try coder.field(
      "parts_done", &partsDone, "Parts whose bytes are in the store, those of an earlier attempt included")
    try coder.field("parts_total", &partsTotal, "Parts in all; 0 until it is planned")
    try coder.field("rows", &rows, "Rows that were written")
    try coder.field("engine", &engine, "What computes: `dask`, `processes`")
    try coder.field("attempt", &attempt, "1 for the first")
    try coder.field("message", &message, "The state in one sentence")
    try coder.field("reason", &reason, "Why it failed: `timeout`, `no_input`, `job_failed`")
    try coder.field("dataset", &dataset, "The dataset that it published")
    try coder.field("manifest", &manifest, "Key of the manifest in the object store")
    try coder.field("sequence", &sequence, "Of the dataset's pointer")
    try coder.field("boundaries", &boundaries, "From where on the live layer answers, of each symbol of the job")
    try coder.required("submitted_ns", &submittedNs, "When it was submitted [ns since 1970]")
    try coder.field("started_ns", &startedNs, "When this attempt began [ns since 1970]")
    try coder.required("updated_ns", &updatedNs, "When this state was reached [ns since 1970]")
    try coder.field("finished_ns", &finishedNs, "When it ended; null before [ns since 1970]")
  }
}

extension BatchStatus.Boundary: FieldwiseObject {
  package static let blank = Self(symbol: "", untilNs: 0)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("symbol", &symbol, "The canonical symbol")
    try coder.required("until_ns", &untilNs, "From here on the live layer answers [ns since 1970]")
  }
}
