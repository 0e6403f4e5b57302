import Catalogue
import Foundation
import LocalServers
import Testing
import TestSupport

/// Every service with secrets in its environment, and again with secrets in files, on servers that are away: none of
/// them is in what the service says, to people and to machines, nor in its command line.
@Suite struct CanaryTests {
  private static let canary = "canary7f3a91"
  private static let secrets = [
    "DATABASE_URL": "postgresql://souk:\(canary)@127.0.0.1:1/souk", "REDIS_URL": "redis://souk:\(canary)@127.0.0.1:1/0",
    "INFLUX_TOKEN": canary, "AWS_SECRET_ACCESS_KEY": canary, "AWS_SESSION_TOKEN": canary, "FEED_KEY": canary,
    "FEED_SECRET": canary, "SOURCE_TOKEN": canary, "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20\(canary)",
    "KAFKA_PROPERTIES":
      "security.protocol=sasl_plaintext,sasl.mechanisms=PLAIN,sasl.username=souk,sasl.password=\(canary)",
  ]
  private static let settings: [String: String] = [
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "INFLUX_URL": "http://127.0.0.1:1", "INFLUX_BUCKET": "b",
    "OBJECT_STORE": "s3://souk", "S3_ENDPOINT": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "id",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "LOG_FORMAT": "json",
  ]

  @Test(.timeLimit(.minutes(20)), arguments: ["environment", "files"])
  func noSecretIsTold(_ place: String) async throws {
    try await withTemporaryDirectory { folder in
      var environment: [String: String?] = Self.settings
      for (name, value) in Self.secrets {
        // The file of properties is a setting of its own.
        if place == "environment" || name == "KAFKA_PROPERTIES" {
          environment[name] = value
        } else {
          try value.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
          environment["\(name)_FILE"] = "\(folder)/\(name)"
        }
      }
      let given = environment
      var told: [Told] = []
      try await withThrowingTaskGroup(of: Told.self) { group in
        var services = ServiceCatalogue.all.map(\.name)[...]
        func startNext() {
          guard let service = services.popFirst() else { return }
          group.addTask { try await Self.say(service, given) }
        }
        for _ in 0..<3 { startNext() }
        while let next = try await group.next() {
          told.append(next)
          startNext()
        }
      }
      #expect(told.count == ServiceCatalogue.all.count)
      #expect(told.contains { $0.listened }, "some work as far as their servers")
      for one in told {
        for (what, text) in one.texts {
          #expect(!text.isEmpty, "\(what) of \(one.service)")
          if let range = text.range(of: Self.canary) {
            Issue.record("\(what) of \(one.service): …\(text[..<range.lowerBound].suffix(200))")
          }
        }
      }
    }
  }

  private struct Told: Sendable {
    var service: String
    /// It got as far as its servers.
    var listened: Bool
    var texts: [String: String]
  }

  /// What the service says in all ways.
  private static func say(_ service: String, _ environment: [String: String?]) async throws -> Told {
    var texts: [String: String] = [:]
    var environment = environment
    if service == ServiceCatalogue.inferenceWorker.name { environment["KIND"] = "polymer" }
    for question in ["--help", "--print-config", "--check"] {
      let outcome = try await ServiceProcess.run(service, [question], environment: environment)
      texts[question] = outcome.output + outcome.errorOutput
    }
    let process = try await ServiceProcess.start(service, environment: environment)
    let signs = ["\"waiting for", "\"retrying", "\"serving"]
    try await eventually("\(service) waits, or has ended") {
      // The last lines of one that has ended may still be on their way.
      process.status != nil && !process.log.isEmpty
        || process.log.contains { line in signs.contains { line.contains($0) } }
    }
    let listened = process.status == nil
    if listened {
      texts["command line"] = try String(contentsOfFile: "/proc/\(process.pid)/cmdline", encoding: .utf8)
      for path in ["/metrics", "/readyz", "/livez"] { texts[path] = await process.get(path)?.body ?? "" }
    }
    await process.terminate()
    texts["log"] = process.log.joined(separator: "\n")
    return Told(service: service, listened: listened, texts: texts)
  }
}
