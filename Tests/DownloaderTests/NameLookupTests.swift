import ArgumentParser
import Catalogue
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Testing
import TestSupport

/// The executable with portals whose names do not resolve or whose servers do not answer.
@Suite struct DownloaderNameLookupTests {
  @Test(.timeLimit(.minutes(10)), arguments: ["missing", "stalled"])
  func anUnresolvablePortalDelaysNoOther(fault: String) async throws {
    let server = try HostileServer { request, connection in
      connection.answer("200 OK", body: "<Root>\(request.path)</Root>")
    }
    try await withTemporaryDirectory { folder in
      let resolver = try await FailingResolver(folder: folder)
      let broker = try EmbeddedBroker(topics: Topics.allWithDeadLetters.map { ($0.name, Int($0.partitions)) })
      defer { broker.close() }
      let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
      let producer = try Producer(options.producerConfiguration(clientID: "test", logger: Logger(label: "test")))
      var batch = OutgoingBatch()
      for index in 0..<12 {
        let host = index % 6 == 0 ? "portal.\(fault).test" : "127.0.0.1"
        var file = DownloadFixture.file("http://\(host):\(server.port)/\(index)", name: "file-\(index).gz")
        file.storeID = "\(index)"
        batch.append(
          topic: FileDiscovered.topic.name, key: file.key, value: file.encoded(), partitionBy: file.partitionKey)
      }
      try await producer.send(batch)
      await producer.close()

      let downloader = try await ServiceProcess.start(
        "downloader", [
          "--object-store", "file://\(folder)/store", "--spool-directory", folder, "--allow-network", "127.0.0.1",
          "--fetch-connect-timeout", "1s", "--retry-cap", "1s",
        ], environment: resolver.environment.merging([
          "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers,
          "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
        ]) { $1 })
      try await eventually("the others are stored, and the two are tried again and again") {
        let metrics = await downloader.metrics()
        if let status = downloader.status { throw ConditionNotMet(description: "ended: \(status) \(downloader.log)") }
        return metrics.sum("souk_records_kept_total") == 10 && metrics.sum("souk_retries_total") ?? 0 >= 6
      }
      #expect(await downloader.get("/livez")?.status == 200)
      resolver.recover()
      try await eventually("the two are stored as well") {
        await downloader.metrics().sum("souk_records_kept_total") == 12
      }
      #expect(await downloader.metrics().sum("souk_records_dead_lettered_total") ?? 0 == 0)
      #expect(await downloader.terminate() == .exited(0))
    }
  }
}
