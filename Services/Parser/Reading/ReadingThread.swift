import Core
import Kafka
import PriceFiles

/// A thread that reads files, one at a time, so that a chunk's work (some milliseconds) occupies no thread of the
/// cooperative pool.
actor ReadingThread {
  private let executor: ThreadExecutor
  private var reading: FileReading?

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(name: String) { executor = ThreadExecutor(name: name) }

  func begin(_ make: @Sendable () -> FileReading) { reading = make() }

  func feed(_ chunk: [UInt8]) throws -> (answer: PriceFileReader.Answer, ready: [OutgoingBatch]) {
    guard let reading else { return (.stop, []) }
    let answer = try reading.feed(chunk)
    return (answer, reading.takeReady())
  }

  /// - Returns: the report, or nil and the plan of the next pass when this one is void; `hasDecided` when it is void
  ///   only because names were decided.
  func finish() throws -> (report: FileReading.Report?, nextPlan: ReadingPlan, hasDecided: Bool) {
    defer { reading = nil }
    return (try reading?.finish(), reading?.nextPlan ?? ReadingPlan(), reading?.hasDecided ?? false)
  }
}
