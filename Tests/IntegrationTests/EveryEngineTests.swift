import Catalogue
import CrawlerService
import Foundation
import LocalServers
import Messages
import PortalSimulator
import Testing
import TestSupport

/// Every kind of portal at once, from its listing to PostgreSQL: first as documented, then with faults.
@Suite struct EveryEngineTests {
  @Test func everyEngineIsCovered() {
    #expect(Set(EveryEngine.engines) == Set(EngineTable.all.map { $0.name }))
  }

  @Test(.timeLimit(.minutes(20))) func everyPortalReachesPostgresDespiteFaults() async throws {
    var options = PortalOptions()
    (options.firstRounds, options.rowsPerPage) = (0, 2)
    options.dripPause = .milliseconds(20)
    try await withTemporaryDirectory { folder in
      try await PortalSimulator.serving(Self.settings, options: options) { portal in
        try FileManager.default.createDirectory(atPath: "\(folder)/ftp", withIntermediateDirectories: true)
        let ftp = try await LocalFTPServer.start(root: "\(folder)/ftp")
        let portals = EveryEngine(portal: portal, ftp: ftp, folder: folder)
        do {
          try portals.reveal(rounds: 0)
          try await Fleet.with(.engines(portals)) { try await run($0, portals) }
        } catch {
          await ftp.stop()
          throw error
        }
        await ftp.stop()
      }
    }
  }

  /// From yesterday, so that portals list its day.
  private static var settings: CatalogueSettings {
    var settings = CatalogueSettings()
    settings.chains = EveryEngine.engines.count
    (settings.stores, settings.items, settings.rounds, settings.promotedShare) = (1, 60, 2, 0.1)
    settings.day = WallTime(seconds: Int(Date().timeIntervalSince1970) / 86_400 * 86_400 - 86_400)
    return settings
  }

  private func run(_ fleet: Fleet, _ portals: EveryEngine) async throws {
    let portal = portals.portal
    let services = try await fleet.startAll()
    try await fleet.expect(portal.catalogue.expected(rounds: 0))
    try await fleet.expectSides(of: portals.chains, promoted: portals.promoted, in: portal.catalogue)
    try await fleet.settle(files: portals.listed.count)
    for topic in Topics.all {
      #expect(try await fleet.records(in: topic.deadLetters) == 0, "\(topic.name) has dead letters")
    }

    Self.misbehave(portals)
    try portals.reveal(rounds: 1)
    // A file that is not to be had, and one that cannot be read: both are published again once that is known.
    let refused = try await deadLetter(fleet, Topics.filesDiscovered, portals.chain("http"))
    #expect(refused.headers[HeaderName.errorCode] == "http_403")
    let damaged = try await deadLetter(fleet, Topics.filesDownloaded, portals.chain("matrix"))
    #expect(["corrupt", "truncated"].contains(damaged.headers[HeaderName.errorCode]))
    for file in portal.visibleFiles
    where file.round == 1 && (file.chain == portals.chain("http") || file.chain == portals.chain("matrix")) {
      portal.republish(file)
    }
    try await fleet.expect(portal.catalogue.expected(rounds: 1))
    try await expectAlerts(fleet, portals)

    // What went wrong leaves nothing behind.
    try portals.reveal(rounds: 2)
    try await fleet.expect(portal.catalogue.expected())
    try await fleet.expectSides(of: portals.chains, promoted: portals.promoted, in: portal.catalogue)
    try await fleet.settle(files: portals.listed.count)
    try await expectEveryFileAccounted(fleet, portals, services)
  }

  /// One fault for every portal, in its next file or listing.
  private static func misbehave(_ portals: EveryEngine) {
    func add(_ mode: Fault.Mode, _ target: Fault.Target, _ engine: String, times: Int = 1) {
      portals.portal.add(Fault(mode, on: target, prefix: portals.chain(engine).prefix, times: times))
    }
    add(.rateLimit, .listing, "bina", times: 2)
    add(.rateLimit, .download, "super_pharm", times: 2)
    add(.loginPage, .listing, "laibcatalog")
    add(.loginPage, .download, "city_market_shops")
    add(.expiredLink, .download, "shufersal")
    add(.expiredLink, .download, "http")
    add(.emptyListing, .listing, "hazi_hinam")
    add(.unknownColumn, .listing, "meshnat_yosef")
    add(.truncated, .download, "netiv_hased")
    add(.slow, .download, "wolt")
    add(.zipped, .download, "publish_price")
    add(.brokenGzip, .download, "matrix")
    add(.expiredSession, .download, "cerberus")
    portals.portal.expireCerberusSessions()
  }

  /// The first dead letter about a file of the chain.
  private func deadLetter(_ fleet: Fleet, _ topic: Topic, _ chain: ChainProfile) async throws -> SeenRecord {
    try await eventuallySome(
      "a dead letter of \(chain.slug) in \(topic.name)", timeout: .seconds(180), interval: .milliseconds(500)
    ) {
      guard try await fleet.records(in: topic.deadLetters) > 0 else { return nil }
      return try await fleet.read(topic.deadLetters).first { $0.key.hasPrefix("\(chain.slug)/") }
    }
  }

  private func expectAlerts(_ fleet: Fleet, _ portals: EveryEngine) async throws {
    let expected: [(Alert.Kind, String)] = [
      (.listingLoginPage, "laibcatalog"), (.listingEmpty, "hazi_hinam"), (.listingUnknownColumn, "meshnat_yosef"),
    ]
    for (kind, engine) in expected {
      let chain = portals.chain(engine).slug
      try await eventually("\(kind.rawValue) of \(chain)", timeout: .seconds(120), interval: .milliseconds(500)) {
        try await fleet.read(Topics.alerts).contains { record in
          let alert = try Alert(decoding: record.value)
          return alert.kind == kind && alert.chain == chain
        }
      }
    }
  }

  /// Every listed file is in the ledger as read, or is the one that was damaged; nothing else was refused.
  private func expectEveryFileAccounted(
    _ fleet: Fleet, _ portals: EveryEngine, _ services: [ServiceProcess]
  ) async throws {
    let read = try await fleet.query(
      "SELECT DISTINCT chain, file_name FROM parsed_files WHERE outcome IN ('ok', 'empty')")
    #expect(Set(read) == portals.listed)
    let damaged = try await fleet.query(
      "SELECT DISTINCT chain FROM parsed_files WHERE outcome NOT IN ('ok', 'empty')")
    #expect(damaged == [portals.chain("matrix").slug])
    for (topic, engine) in [(Topics.filesDiscovered, "http"), (Topics.filesDownloaded, "matrix")] {
      let chain = portals.chain(engine)
      let letters = try await fleet.read(topic.deadLetters)
      #expect(Set(letters.map { $0.key.prefix { $0 != "/" } }) == [Substring(chain.slug)])
    }
    for topic in Topics.all where topic != Topics.filesDiscovered && topic != Topics.filesDownloaded {
      #expect(try await fleet.records(in: topic.deadLetters) == 0, "\(topic.name) has dead letters")
    }
    // The link of Shufersal's file and the login page of City Market went back to be listed again.
    let expired = Set(try await fleet.read(Topics.filesExpired).map { $0.key.prefix { $0 != "/" } })
    #expect(expired == Set(["shufersal", "city_market_shops"].map { Substring(portals.chain($0).slug) }))
    for service in services { try await expectEveryRecordAccounted(for: service) }
  }
}
