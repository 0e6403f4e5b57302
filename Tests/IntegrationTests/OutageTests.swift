import Catalogue
import LocalServers
import PortalSimulator
import Testing
import TestSupport

/// An outage pauses the fleet, which loses and dead-letters nothing.
@Suite struct OutageTests {
  @Test(.timeLimit(.minutes(15))) func outagesOfPostgresAndThePortalLoseNothing() async throws {
    var settings = CatalogueSettings()
    (settings.chains, settings.stores, settings.items, settings.rounds) = (2, 2, 150, 2)
    var options = PortalOptions()
    options.firstRounds = 0
    let server = try await PrivatePostgres.start()
    try await PortalSimulator.serving(settings, options: options) { portal in
      try await Fleet.with(.portal(portal), server: server) { fleet in
        let services = try await fleet.startAll()
        try await fleet.expect(portal.catalogue.expected(rounds: 0))
        let writer = services[3]

        await server.halt(signal: 3)
        portal.add(Fault(.serverError, on: .download, times: 4))
        portal.add(Fault(.rateLimit, on: .download, times: 2))
        portal.reveal(rounds: 1)
        try await eventually("db-writer says that PostgreSQL is away", timeout: .seconds(180)) {
          await writer.get("/readyz")?.status == 503
        }
        #expect(await writer.get("/livez")?.status == 200, "an outage is no reason for a restart")
        try await server.resume()

        try await fleet.expect(portal.catalogue.expected(rounds: 1))
        try await writer.awaitReady()
        portal.reveal(rounds: 2)
        try await fleet.expect(portal.catalogue.expected())
        for topic in Topics.all { #expect(try await fleet.records(in: topic.deadLetters) == 0) }
        for service in services { #expect(service.status == nil, "\(service.name) ended") }
      }
    }
    await server.stop()
  }
}
