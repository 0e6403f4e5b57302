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
  /// Parts whose bytes are in the store; those of an earlier attempt count.
  package var partsDone: Int64 = 0
  /// 0 until it is planned.
  package var partsTotal: Int64 = 0
  package var rows: Int64 = 0
  /// What computes: `dask`, `processes`.
  package var engine: String = ""
  /// 1 for the first.
  package var attempt: Int64 = 0
  /// For people, one sentence.
  package var message: String = ""
  /// Why it failed: `timeout`, `no_input`, `job_failed`.
  package var reason: String?
  /// What it published, when it is done.
  package var dataset: String?
  /// The key of the manifest in the object store.
  package var manifest: String?
  /// Of the dataset's pointer.
  package var sequence: Int64?
  /// From where on the live layer answers, of each symbol of the job.
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
    try coder.required("job_id", &jobID)
    try coder.required("kind", &kind)
    try coder.required("run", &run)
    try coder.required("state", &state)
    try coder.field("parts_done", &partsDone)
    try coder.field("parts_total", &partsTotal)
    try coder.field("rows", &rows)
    try coder.field("engine", &engine)
    try coder.field("attempt", &attempt)
    try coder.field("message", &message)
    try coder.field("reason", &reason)
    try coder.field("dataset", &dataset)
    try coder.field("manifest", &manifest)
    try coder.field("sequence", &sequence)
    try coder.field("boundaries", &boundaries)
    try coder.required("submitted_ns", &submittedNs)
    try coder.field("started_ns", &startedNs)
    try coder.required("updated_ns", &updatedNs)
    try coder.field("finished_ns", &finishedNs)
  }
}

extension BatchStatus.Boundary: FieldwiseObject {
  package static let blank = Self(symbol: "", untilNs: 0)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("symbol", &symbol)
    try coder.required("until_ns", &untilNs)
  }
}
