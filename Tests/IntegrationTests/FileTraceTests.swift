import Catalogue
import Foundation
import LocalServers
import PortalSimulator
import Testing
import TestSupport

/// One trace from the crawler's announcement to the parsed file, as a collector sees it.
@Suite struct FileTraceTests {
  private static let canary = "canary55c2e0"

  @Test(.timeLimit(.minutes(15))) func aFileIsOneTraceThroughThreeServices() async throws {
    var settings = CatalogueSettings()
    (settings.chains, settings.stores, settings.items, settings.rounds) = (1, 1, 20, 0)
    let collector = try HostileServer { $1.answer("200 OK", body: "{}") }
    try await PortalSimulator.serving(settings) { portal in
      try await Fleet.with(.portal(portal)) { fleet in
        var services: [ServiceProcess] = []
        for service in [ServiceCatalogue.crawler, ServiceCatalogue.downloader, ServiceCatalogue.parser] {
          services.append(try await fleet.start(service, [
            "--otel-exporter-otlp-endpoint", collector.url, "--otel-exporter-otlp-headers", "x-token=\(Self.canary)",
            "--kafka-property", "sasl.password=\(Self.canary)",
          ]))
        }
        let downloaded = Topics.filesDownloaded.name
        func parsed() throws -> CollectedSpan? {
          try CollectedSpan.all(in: collector).first { $0.service == "parser" && $0.name == "process \(downloaded)" }
        }
        try await eventually("the parser's span is exported", timeout: .seconds(300)) { try parsed() != nil }
        // The others were exported before, or are when their services end.
        for service in services { #expect(await service.terminate() == .exited(0)) }

        try await expectNoSecret(in: fleet)
        #expect(collector.requests.allSatisfy { $0.headers["x-token"] == Self.canary })
        let spans = try CollectedSpan.all(in: collector)
        let byID = Dictionary(spans.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        #expect(byID.count == spans.count, "no span is sent twice")
        var chain = [try #require(try parsed())]
        while let parent = chain[0].parent { chain.insert(try #require(byID[parent], "\(chain[0].name)"), at: 0) }
        let discovered = Topics.filesDiscovered.name
        #expect(chain.map { "\($0.service): \($0.name)" } == [
          "crawler: create \(discovered)", "downloader: process \(discovered)", "downloader: create \(downloaded)",
          "parser: process \(downloaded)",
        ])
        #expect(chain.map(\.kind) == [4, 5, 4, 5])
        #expect(Set(chain.map(\.trace)).count == 1 && chain.allSatisfy { $0.trace.count == 32 && $0.id.count == 16 })
        for span in chain {
          #expect(span.attributes["messaging.system"] == "kafka" && span.start <= span.end && !span.error)
        }
        let last = chain[3].attributes
        #expect(last["messaging.destination.name"] == downloaded && last["messaging.operation.type"] == "process")
        #expect(last["messaging.consumer.group.name"] == "parser" && Int(last["messaging.kafka.offset"] ?? "") != nil)
        #expect(chain[3].resource["telemetry.sdk.language"] == "swift")

        // The parser's line about the file names the trace and its span.
        let lines = services[2].log.compactMap {
          try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        let line = try #require(lines.first { $0["span_id"] as? String == chain[3].id })
        #expect(line["trace_id"] as? String == chain[3].trace && line["rows"] is Int)
      }
    }
  }

  /// A secret of the settings is in no record and in no object.
  private func expectNoSecret(in fleet: Fleet) async throws {
    var looked = 0
    let written = [Topics.filesDiscovered, Topics.filesDownloaded, Topics.productsIngest, Topics.filesParsed]
    for topic in written + written.map(\.deadLetters) {
      for record in try await fleet.read(topic) {
        let text = "\(record.key)\(String(decoding: record.value, as: UTF8.self))\(record.headers)"
        #expect(!text.contains(Self.canary), "\(topic.name)")
        looked += 1
      }
    }
    let objects = FileManager.default.enumerator(atPath: "\(fleet.folder)/objects")
    while let name = objects?.nextObject() as? String {
      let bytes = FileManager.default.contents(atPath: "\(fleet.folder)/objects/\(name)") ?? Data()
      #expect(!name.contains(Self.canary) && bytes.firstRange(of: Data(Self.canary.utf8)) == nil, "\(name)")
      looked += 1
    }
    #expect(looked > 5)
  }
}
