import Core
import Kafka
import Messages
import Synchronization

/// What the compacted topics say of each job: what is wanted last, and what was said of it last.
///
/// Every runner reads both whole, in no group, so that a job that was cancelled ends at once, wherever it runs, and one
/// that is done is not done again when the group's offsets are lost.
final class JobBook: Sendable {
  fileprivate struct State {
    /// Nil for a job that a tombstone ended.
    var wanted: [String: BatchJob?] = [:]
    var said: [String: (run: String, state: BatchStatus.State)] = [:]
    /// Raised when the job of this name should end.
    var running: [String: Interruption] = [:]
  }
  private let state = Mutex(State())

  /// Whether this run is still wanted: by no later record was it cancelled, or submitted anew.
  enum Wish: Hashable { case wanted, cancelled, replaced }

  func wish(for job: BatchJob) -> Wish { state.withLock { $0.wish(for: job) } }

  /// Whether the run has ended, as far as was said.
  func hasEnded(_ job: BatchJob) -> Bool {
    state.withLock { state in
      guard let said = state.said[job.jobID] else { return false }
      return said.run == job.run && said.state.isEnd
    }
  }

  /// Whether the job was submitted, or a later run of it.
  func hasSeen(_ job: BatchJob) -> Bool {
    state.withLock { state in
      guard let last = state.wanted[job.jobID] else { return false }
      return last.map { $0.submittedNs >= job.submittedNs } ?? false
    }
  }

  /// Whether some run of the job has ended, and none began after it.
  func knowsEnd(of name: String) -> Bool { state.withLock { $0.said[name]?.state.isEnd ?? false } }

  /// - Returns: what is raised when the run is not wanted any more; raised already when it is not now.
  func begin(_ job: BatchJob) -> Interruption {
    state.withLock { state in
      let end = Interruption()
      state.running[job.jobID] = end
      if state.wish(for: job) != .wanted { end.raise() }
      return end
    }
  }

  func end(_ job: BatchJob) { state.withLock { $0.running[job.jobID] = nil } }

  // MARK: - the tables

  func takeJobs(_ batch: RecordBatch) {
    batch.forEach { record in
      guard let key = record.keyBytes else { return }
      let name = String(decoding: key, as: UTF8.self)
      if record.isTombstone { return want(nil, name) }
      // One that cannot be read goes to the dead letters, by the group.
      guard let job = try? BatchJob(decoding: record.valueBytes) else { return }
      want(job, name)
    }
  }

  func want(_ job: BatchJob?, _ name: String) {
    let over = state.withLock { state -> Interruption? in
      state.wanted.updateValue(job, forKey: name)
      return job == nil || job?.cancelled == true ? state.running[name] : nil
    }
    over?.raise()
  }

  func takeStatuses(_ batch: RecordBatch) {
    batch.forEach { record in
      guard !record.isTombstone, let status = try? BatchStatus(decoding: record.valueBytes) else { return }
      note(status)
    }
  }

  func note(_ status: BatchStatus) { state.withLock { $0.said[status.jobID] = (status.run, status.state) } }
}

extension JobBook.State {
  fileprivate func wish(for job: BatchJob) -> JobBook.Wish {
    // Not read yet: the table is current only as of the start.
    guard let last = wanted[job.jobID] else { return .wanted }
    guard let last else { return .cancelled }
    if last.submittedNs > job.submittedNs { return last.cancelled ? .cancelled : .replaced }
    return last.cancelled && last.submittedNs == job.submittedNs ? .cancelled : .wanted
  }
}
