import Catalogue
import Foundation
import Kafka
import LocalServers
import Testing
import TestSupport

/// Every program of the catalogue as a process: from its start `/metrics` shows what its reference lists.
@Suite struct ExportTests {
  @Test(.timeLimit(.minutes(15))) func everyServiceShowsWhatItDeclaresFromTheStart() async throws {
    let declared = try await DeclaredMetrics.gather()
    try await withTemporaryDirectory { folder in
      let broker = try EmbeddedBroker(topics: Topics.allWithDeadLetters.map { ($0.name, Int($0.partitions)) })
      defer { broker.close() }
      let redis = try await TestServers.redisWithModules()
      var seen = 0
      for (program, families) in declared.families.sorted(by: { $0.key < $1.key }) where !families.isEmpty {
        let (arguments, environment) = try settings(of: program, broker: broker, redis: redis.url, folder: folder)
        let process = try await ServiceProcess.start(program, arguments, environment: environment)
        let text = try await eventuallySome("/metrics of \(program)") { () -> String? in
          if let status = process.status {
            throw ConditionNotMet(
              description: "\(program) ended with \(status)\n\(process.log.suffix(5).joined(separator: "\n"))")
          }
          let answer = await process.get("/metrics")
          return answer?.status == 200 ? answer?.body : nil
        }
        let types = Set(text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map { line in
          String(line.split(separator: " ")[2])
        })
        // What overflows is only told of when it did.
        let expected = families.subtracting(["souk_metrics_overflow_total"])
        #expect(types.isSuperset(of: expected), "\(program) lacks \(expected.subtracting(types).sorted())")
        #expect(types.isSubset(of: families), "\(program) does not declare \(types.subtracting(families).sorted())")
        await process.kill()
        seen += 1
      }
      #expect(seen >= 7)
    }
  }

  /// Settings that let a program start; the servers need not exist.
  private func settings(
    of program: String, broker: EmbeddedBroker, redis: String, folder: String
  ) throws -> (arguments: [String], environment: [String: String?]) {
    for name in ["bars", "prices", "models"] {
      try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
    }
    var environment: [String: String?] = [
      "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "OBJECT_STORE": "file://\(folder)/objects",
      "REDIS_URL": redis, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1",
      "INFLUX_URL": "http://127.0.0.1:1", "INFLUX_DATABASE": "none",
      "FEED_KEY": "key", "FEED_URL": "ws://127.0.0.1:1", "SYMBOLS": "AAPL", "ALLOW_PRIVATE_ADDRESSES": "true",
    ]
    switch program {
    case ServiceCatalogue.crawler.name: return (["--source", "dir:\(folder)/prices"], environment)
    case ServiceCatalogue.egxProducer.name:
      let bars = "date,open,high,low,close,volume\n2025-01-20,1,2,1,2,5\n"
      try bars.write(toFile: "\(folder)/bars/COMI.csv", atomically: true, encoding: .utf8)
      environment["KAFKA_PROPERTIES"] = .some(nil)
      return (["--source", "csv:\(folder)/bars", "--always"], environment)
    case ServiceCatalogue.fetcher.name:
      // The embedded catalogue asks a provider that wants a key.
      environment["ALPHAVANTAGE_API_KEY"] = "none"
      return ([], environment)
    case ServiceCatalogue.inferenceWorker.name:
      return (["--kind", "polymer", "--models", "file://\(folder)/models"], environment)
    default: return ([], environment)
    }
  }
}
