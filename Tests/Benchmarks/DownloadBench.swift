import ArgumentParser
import Catalogue
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Synchronization
import TestSupport
import Values

/// `souk-bench download`: the memory of the real downloader with many large files in flight at once.
struct DownloadBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "download", abstract: "Many large downloads at once: the downloader's memory.",
    discussion: """
      A server sends half of every file, waits until all of them are half done, and only then sends the rest: so all \
      are in flight at the same time, however fast the machine is. The downloader is the executable beside this one, \
      on an embedded broker and a file:// store. Needs twice the size of all files on disk. The bound of 150 MiB \
      resident holds for the defaults.
      """)

  @Option(help: "Files, all at once.")
  var files = 200

  @Option(help: "MiB of each file.")
  var size = 50

  @Option(help: "A folder on the disk to use; emptied afterwards.")
  var folder = "/tmp/souk-bench-download"

  func validate() throws {
    guard (1...1_000).contains(files), (1...1_000).contains(size) else {
      throw ValidationError("--files and --size go from 1 to 1000")
    }
  }

  func run() async throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let half = Mutex(0)
    let server = try HostileServer { [files, size] request, out in
      out.send("HTTP/1.1 200 OK\r\nContent-Length: \(size << 20)\r\nContent-Type: application/gzip\r\n\r\n")
      // Different in every file, so that none of them is in the store already.
      var piece = [UInt8](repeating: UInt8(truncatingIfNeeded: request.path.utf8.reduce(0) { $0 &* 31 &+ Int($1) }),
                          count: 64 << 10)
      piece.replaceSubrange(0..<16, with: [0x1f, 0x8b] + Array(request.path.utf8).suffix(14).padded(to: 14))
      for index in 0..<size * 16 {
        if index == size * 8 {
          half.withLock { $0 += 1 }
          while half.withLock({ $0 }) < files { usleep(20_000) }
        }
        guard out.send(piece) else { return }
      }
    }
    let broker = try EmbeddedBroker(topics: Topics.allWithDeadLetters.map { ($0.name, Int($0.partitions)) })
    defer { broker.close() }
    try await announce(server.url, broker)
    let service = try await ServiceProcess.start(
      "downloader",
      ["--concurrency", "\(files)", "--max-fetches-per-host", "\(files)", "--allow-network", "127.0.0.1",
       "--spool-directory", folder, "--fetch-timeout", "1h", "--fetch-min-speed", "0"],
      environment: [
        "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "KAFKA_PROPERTIES": "session.timeout.ms=6000",
        "OBJECT_STORE": "file://\(folder)/store",
      ])
    try await service.awaitReady()
    let idle = ProcessReading(pid: service.pid)
    let clock = ContinuousClock()
    let took = try await clock.measure {
      try await eventually("all files stored", timeout: .seconds(3_600), interval: .milliseconds(250)) {
        if let status = service.status {
          throw ConditionNotMet(description: "the downloader ended with \(status)\n"
            + service.log.suffix(20).joined(separator: "\n"))
        }
        return await service.metrics().sum("souk_downloads_total", where: ["result": "uploaded"]) == Double(files)
      }
    }
    guard let idle, let end = ProcessReading(pid: service.pid) else { throw ValidationError("the downloader is gone") }
    await service.terminate()
    let seconds = took / .seconds(1)
    print("\(files) files of \(size) MiB, all in flight at once, in \(Int(seconds)) s "
      + "(\(Int(Double(files * size) / seconds)) MiB/s, hashed, spooled, stored with fsync)")
    print("downloader: \(ProcessReading.mebibytes(idle.resident)) idle, "
      + "peak \(ProcessReading.mebibytes(end.peak)) resident, \(Int(end.cpuSeconds)) CPU s  (bound: below 150 MiB)")
  }

  private func announce(_ server: String, _ broker: EmbeddedBroker) async throws {
    let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
    let producer = try Producer(options.producerConfiguration(clientID: "bench", logger: Logger(label: "bench")))
    var batch = OutgoingBatch()
    for index in 0..<files {
      let file = FileDiscovered(
        chain: "7290000000000", url: "\(server)/file-\(index)", timestamp: .epoch,
        fileName: "PriceFull7290000000000-\(index)-202608240300.gz", fileType: .priceFull, storeID: "\(index)")
      batch.append(
        topic: FileDiscovered.topic.name, key: file.key, value: file.encoded(), partitionBy: file.partitionKey)
    }
    try await producer.send(batch)
    await producer.close()
  }
}

extension Array where Element == UInt8 {
  fileprivate func padded(to count: Int) -> [UInt8] {
    self + [UInt8](repeating: 0, count: Swift.max(0, count - self.count))
  }
}
