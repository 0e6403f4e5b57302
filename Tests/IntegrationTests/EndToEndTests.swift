import Catalogue
import LocalServers
import PortalSimulator
import Testing
import TestSupport

/// The whole pipeline, from a portal to PostgreSQL, with an S3 server in between.
@Suite struct EndToEndTests {
  @Test(.timeLimit(.minutes(15))) func aGeneratedCatalogueReachesPostgresToTheDigit() async throws {
    var settings = CatalogueSettings()
    (settings.stores, settings.items, settings.rounds) = (2, 250, 3)
    let seaweed = try await TestServers.seaweed()
    try await PortalSimulator.serving(settings) { portal in
      let bucket = "souk-" + TestServers.uniqueName()
      try await Fleet.with(.portal(portal), objects: .s3(seaweed, bucket: bucket)) { fleet in
        let services = try await fleet.startAll()
        for service in services { try await service.awaitReady() }
        try await fleet.expect(portal.catalogue.expected())
        try await fleet.expectSides(of: portal.catalogue.chains, in: portal.catalogue)
        try await fleet.settle(files: portal.visibleFiles.count)

        for topic in Topics.all {
          #expect(try await fleet.records(in: topic.deadLetters) == 0, "\(topic.name) has dead letters")
        }
        for service in services.dropFirst() { try await expectEveryRecordAccounted(for: service) }
        for service in services.reversed() {
          #expect(await service.terminate() == .exited(0), "\(service.name) did not drain")
        }
        try await fleet.expect(portal.catalogue.expected())
      }
    }
  }
}
