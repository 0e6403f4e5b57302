import Core
import Foundation
import LocalServers
import Messages
import Synchronization

/// The Python program that does one job: `batch.py`, as a process of its own.
struct JobProgram: Sendable {
  var python: String
  var path: String
  var keep: Int
  /// Nil without Dask.
  var daskAddress: String?
  var workers: Int
  var patience: Duration
  var environment: [String: String?]

  /// Exit codes of the program. With every other it has ended without a word of its own: it cannot be imported, or
  /// refuses its arguments.
  static let refused: Int32 = 65, unavailable: Int32 = 69, stopped: Int32 = 75

  private var arguments: [String] {
    var arguments = [
      path, "--keep", "\(keep)", "--dask-n-workers", "\(workers)", "--dask-patience", "\(patience.components.seconds)",
    ]
    if let daskAddress { arguments += ["--dask-scheduler-address", daskAddress] }
    return arguments
  }

  /// - Parameters:
  ///   - file: that holds the job.
  ///   - output: gets the events, `errors` what is for the log.
  func launch(
    job file: String, output: @escaping @Sendable (String) -> Void, errors: @escaping @Sendable (String) -> Void
  ) -> Launch {
    var launch = Launch(python, arguments + ["--job", file])
    launch.environment = environment
    // What flags say is not said again by the variables of the service, whose form is another.
    for name in ["DASK_PATIENCE", "DASK_N_WORKERS", "DASK_SCHEDULER_ADDRESS", "KEEP"] {
      launch.environment[name] = .some(nil)
    }
    launch.environment["DASK_ENABLED"] = daskAddress == nil ? "false" : "true"
    launch.environment["PYTHONUNBUFFERED"] = "1"
    launch.output = .lines(output)
    launch.errorLines = errors
    return launch
  }

  /// Whether Python has what the jobs import, and what Dask's scheduler answers.
  /// - Throws: `Failure` of class configuration with the program's words.
  func check() async throws -> String {
    let last = Mutex("")
    let hear: @Sendable (String) -> Void = { line in last.withLock { $0 = line } }
    var launch = launch(job: "-", output: hear, errors: hear)
    launch.arguments.append("--check")
    let status = try await ChildProcess.start(launch).wait()
    let said = last.withLock { $0 }
    guard status.isSuccess else {
      throw Failure(
        .configuration, code: "batch_programs_failed", said.isEmpty ? "\(path) ended with \(status)" : said)
    }
    return JobEvent(line: said)?.message ?? said
  }
}

/// One line of what the program prints.
struct JobEvent: FieldwiseObject, Hashable {
  enum Name: String, CaseIterable, Sendable, JSONValue { case planned, engine, progress, published, failed, checked }

  var event = Name.planned
  var total: Int64?, done: Int64?, rows: Int64?
  var engine: String?
  var reason: String?
  var message: String?
  var dataset: String?, manifest: String?
  var sequence: Int64?
  var boundaries: [BatchStatus.Boundary] = []
  /// Of a job of kind compare: how many there are of each.
  var differences = SignalValues(names: [], numbers: [])

  static let blank = Self()
  static let fields = ObjectFields(blank)

  mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("event", &event)
    try coder.field("total", &total)
    try coder.field("done", &done)
    try coder.field("rows", &rows)
    try coder.field("engine", &engine)
    try coder.field("reason", &reason)
    try coder.field("message", &message)
    try coder.field("dataset", &dataset)
    try coder.field("manifest", &manifest)
    try coder.field("sequence", &sequence)
    try coder.field("boundaries", &boundaries)
    try coder.field("differences", &differences)
  }

  init() {}

  /// - Returns: nil for a line that is no event.
  init?(line: String) {
    let bytes = Array(line.utf8)
    do throws(DecodingFailure) {
      var coder = try FieldCoder(reading: bytes.span.bytes, limits: JSONReader.Limits(maxBytes: 64 << 20))
      self = try Self.read(from: &coder)
      try coder.reader.finish()
    } catch { return nil }
  }
}
