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

  /// - Returns: the report (nil when the pass is void) and the last messages of a streaming pass.
  func finish() throws -> FileReading.Report? {
    defer { reading = nil }
    return try reading?.finish()
  }
}
