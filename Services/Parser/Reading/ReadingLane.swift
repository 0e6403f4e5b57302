import Kafka
import PriceFiles
import Runtime

/// A thread that reads files, one at a time, so that the work of a chunk (some milliseconds) never occupies a
/// thread of the cooperative pool.
actor ReadingLane {
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

  /// - Returns: the report, or, when the pass is void, what the next one is to begin with and whether it is void only
  ///   because names were decided.
  func finish() throws -> (report: FileReading.Report?, nextPlan: ReadingPlan, hasDecided: Bool) {
    defer { reading = nil }
    return (try reading?.finish(), reading?.nextPlan ?? ReadingPlan(), reading?.hasDecided ?? false)
  }
}
