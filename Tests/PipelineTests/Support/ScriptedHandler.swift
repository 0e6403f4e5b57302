import Core
import Kafka
import TestSupport

@testable import Pipeline

/// Handles each job as the test says.
struct ScriptedHandler: JobHandler {
  let script: @Sendable (Job, Emitter) async throws -> Disposition

  init(_ script: @escaping @Sendable (Job, Emitter) async throws -> Disposition) { self.script = script }

  func handle(_ job: Job, emit: Emitter) async throws -> Disposition { try await script(job, emit) }
}

extension Job {
  var text: String { value.map { String(decoding: $0, as: UTF8.self) } ?? "(tombstone)" }
}

extension Failure {
  static let outage = Failure(.transient, code: "outage", "the world is unwell")
  static let rotten = Failure(.data, code: "rotten", "this record is rotten")
  static let misconfigured = Failure(.configuration, code: "wrong_password", "the password is wrong")
}

extension Scenario {
  /// A message to the output topic that repeats the job's value.
  func echo(_ text: String) -> OutgoingBatch {
    var batch = OutgoingBatch()
    batch.append(topic: output, key: nil, value: Array(text.utf8))
    return batch
  }
}
