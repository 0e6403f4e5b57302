import ArgumentParser
import Catalogue
import Core
import Kafka
import KafkaFlags
import Logging
import Messages
import ObjectStore
import ObjectStoreFlags
@testable import ParserService
import PriceFiles
import ServiceKit
import Testing
import TestSupport
import Values

/// The whole service against the embedded broker and a store in a folder.
@Suite struct ParserCommandTests {
  /// The topic of masters ends in a marker, as a parser with `exactly-once` leaves it.
  @Test(arguments: ["at-least-once", "exactly-once"])
  func filesInMessagesOutAndDeadLetters(delivery: String) async throws {
    try await withTemporaryDirectory { folder in
      let broker = try EmbeddedBroker(
        topics: Topics.allWithDeadLetters.map { (name: $0.name, partitions: 2) })
      defer { broker.close() }
      for partition in Int32(0)..<2 {
        try TransactionMarker.append(
          to: Topics.productsMasters.name, partition: partition, at: broker.bootstrapServers)
      }
      let command = try ParserCommand.parse([
        "--kafka-bootstrap-servers", broker.bootstrapServers, "--object-store", "file://\(folder)",
        "--start-from", "earliest", "--concurrency", "2", "--http-port", "0",
        "--delivery", delivery,
      ])
      let bench = try await HandlerFiles(folder: folder)
      let good = PriceText.file(rows: 750)
      let cut = Array(PriceText.file(rows: 40).dropLast(300))
      let producer = try Producer(command.kafka.producerConfiguration(clientID: "test", logger: Logger(label: "test")))
      var jobs = OutgoingBatch()
      for (store, bytes) in [("1", good), ("2", cut), ("3", Array("<html></html>".utf8))] {
        let message = try await bench.message(bytes, store: store)
        jobs.append(topic: Topics.filesDownloaded.name, key: message.key, value: message.encoded())
      }
      try await producer.send(jobs)

      let context = ServiceContext(name: "parser", logger: Logger(label: "parser"))
      let running = Task { try await command.run(in: context) }
      let reader = try Reader(
        command.kafka, topics: [Topics.productsIngest.name, Topics.filesDownloaded.deadLetterName])
      let (messages, deadLetters) = try await reader.read { messages, deadLetters in
        messages.count >= 3 && deadLetters.count >= 2
      }
      context.drain.raise()
      try await running.value
      await producer.close()

      let items = Dictionary(grouping: messages, by: \.header.storeID)
        .mapValues { $0.reduce(0) { $0 + $1.items.count } }
      #expect(items["1"] == 750)
      #expect(items["2"].map { 30..<40 ~= $0 } == true)
      #expect(items["3"] == nil)
      #expect(Set(deadLetters) == ["truncated", "not_xml_html"])
    }
  }
}

/// Puts files where the service finds them.
private struct HandlerFiles {
  let store: any ObjectStore

  init(folder: String) async throws {
    store = try ObjectStoreOptions.parse(["--object-store", "file://\(folder)"]).makeStore()
    try await store.prepare()
  }

  func message(_ bytes: [UInt8], store number: String) async throws -> FileDownloaded {
    let name = "PriceFull7290058140886-00\(number)-202310021200.gz"
    let key = try ObjectKey("files/\(number)/\(name)")
    _ = try await store.put(ObjectBody(bytes), at: key, contentType: "application/octet-stream")
    return FileDownloaded(
      chain: "rami_levy", s3Path: store.location.url(of: key), localPath: nil, fileName: name, fileType: .priceFull,
      storeID: number, fileTime: Timestamp("2023-10-02T12:00:00+03:00"), sha256: SHA256.hash(bytes).hex)
  }
}

/// Reads both output topics until a condition holds.
private struct Reader {
  let consumer: Consumer

  init(_ options: KafkaOptions, topics: [String]) throws {
    consumer = try Consumer(
      options.consumerConfiguration(
        clientID: "test-reader", topics: topics, externalOffsets: false, drainDeadline: .seconds(5),
        logger: Logger(label: "reader")))
  }

  func read(
    until isDone: ([ProductsIngest], [String]) -> Bool
  ) async throws -> (messages: [ProductsIngest], deadLetters: [String]) {
    var messages: [ProductsIngest] = []
    var deadLetters: [String] = []
    let deadline = ContinuousClock.now + .seconds(120)
    while !isDone(messages, deadLetters), ContinuousClock.now < deadline {
      guard let element = try await consumer.next(before: deadline) else { break }
      switch element {
      case .assigning(_, let answer): answer.start(at: [:])
      case .revoking(_, let answer): answer.done(committing: [:])
      case .batch(let batch):
        var values: [(topic: String, value: [UInt8], headers: [Header])] = []
        batch.forEach { values.append(($0.topic, $0.valueBytes, $0.headers)) }
        for (topic, value, headers) in values {
          if topic == Topics.productsIngest.name {
            messages.append(try ProductsIngest(decoding: value))
          } else {
            deadLetters.append(headers.first { $0.name == HeaderName.errorCode }?.text ?? "")
          }
        }
      default: break
      }
    }
    consumer.close()
    while let element = try await consumer.next(before: deadline) {
      if case .revoking(_, let answer) = element { answer.done(committing: [:]) }
    }
    return (messages, deadLetters)
  }
}
