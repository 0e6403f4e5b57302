import Catalogue
import LocalServers
import PortalSimulator
import Testing
import TestSupport

/// Replicas share the work; members that come and go during the run lose and duplicate nothing.
@Suite struct ScaleTests {
  @Test(.timeLimit(.minutes(15))) func replicasShareTheWorkAndMayComeAndGo() async throws {
    var settings = CatalogueSettings()
    (settings.chains, settings.stores, settings.items, settings.rounds) = (4, 3, 150, 4)
    var options = PortalOptions()
    options.firstRounds = 0
    try await PortalSimulator.serving(settings, options: options) { portal in
      try await Fleet.with(.portal(portal)) { fleet in
        let parsers = [
          try await fleet.start(ServiceCatalogue.parser), try await fleet.start(ServiceCatalogue.parser),
        ]
        let writers = [
          try await fleet.start(ServiceCatalogue.dbWriter), try await fleet.start(ServiceCatalogue.dbWriter),
        ]
        for process in parsers + writers { try await process.awaitReady() }
        _ = try await fleet.start(ServiceCatalogue.crawler)
        _ = try await fleet.start(ServiceCatalogue.downloader)
        try await fleet.expect(portal.catalogue.expected(rounds: 0))
        for process in parsers + writers {
          #expect(await process.metrics().sum("souk_records_kept_total") ?? 0 > 0, "\(process.name) had no share")
        }

        // One of each leaves in the middle of a round, one more of each comes in the middle of the next.
        portal.reveal(rounds: 1)
        async let leavingParser = parsers[0].terminate()
        async let leavingWriter = writers[0].terminate()
        portal.reveal(rounds: 2)
        let (parserStatus, writerStatus) = await (leavingParser, leavingWriter)
        #expect(parserStatus == .exited(0))
        #expect(writerStatus == .exited(0))
        _ = try await fleet.start(ServiceCatalogue.parser)
        _ = try await fleet.start(ServiceCatalogue.dbWriter)
        portal.reveal(rounds: 3)
        try await fleet.expect(portal.catalogue.expected(rounds: 3))
        portal.reveal(rounds: 4)
        try await fleet.expect(portal.catalogue.expected())
        for topic in Topics.all { #expect(try await fleet.records(in: topic.deadLetters) == 0) }
      }
    }
  }
}
