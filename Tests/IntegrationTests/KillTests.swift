import Catalogue
import LocalServers
import PortalSimulator
import Testing
import TestSupport

/// `kill -9` of any service at any moment, and its restart, leave the database as an undisturbed run does.
@Suite(.serialized) struct KillTests {
  static var settings: CatalogueSettings {
    var settings = CatalogueSettings()
    (settings.chains, settings.stores, settings.items, settings.rounds) = (3, 2, 200, 3)
    return settings
  }

  /// Every table of an undisturbed run, once for all cases.
  private static let undisturbed = Task {
    var options = PortalOptions()
    options.firstRounds = settings.rounds
    return try await PortalSimulator.serving(settings, options: options) { portal in
      var contents: [String: [String]] = [:]
      try await Fleet.with(.portal(portal)) { fleet in
        _ = try await fleet.startAll()
        try await fleet.expect(portal.catalogue.expected())
        try await fleet.settle(files: portal.visibleFiles.count)
        contents = try await fleet.contents()
      }
      return contents
    }
  }

  @Test(.timeLimit(.minutes(20)), arguments: FleetSystem.prices.services.map(\.name))
  func killsLeaveTheDatabaseUnchanged(victim name: String) async throws {
    let victim = try #require(ServiceCatalogue.named(name))
    var random = TestRandom("kill \(name)")
    let moments = (0...Self.settings.rounds).map { _ in Double.random(in: 0..<1, using: &random) }
    var options = PortalOptions()
    options.firstRounds = 0
    try await PortalSimulator.serving(Self.settings, options: options) { portal in
      try await Fleet.with(.portal(portal)) { fleet in
        var process: ServiceProcess?
        for service in FleetSystem.prices.services {
          let started = try await fleet.start(service)
          if service == victim { process = started }
        }
        for round in 0...Self.settings.rounds {
          let before = try await fleet.progress(of: victim)
          portal.reveal(rounds: round)
          // Somewhere between its first and about its last effect of this round.
          let expected = Fleet.effect(of: victim, in: portal, upTo: round)
          let point = before + Int(moments[round] * Double(max(0, expected - before)))
          try await eventually("\(name) reaches \(point)", timeout: .seconds(180), interval: .milliseconds(2)) {
            try await fleet.progress(of: victim) >= point
          }
          await process?.kill()
          print("killed \(name) in round \(round) at \(try await fleet.progress(of: victim)) of \(expected)")
          process = try await fleet.start(victim)
        }
        try await fleet.expect(portal.catalogue.expected(), within: .seconds(240))
        try await fleet.settle(files: portal.visibleFiles.count)
        let undisturbed = try await Self.undisturbed.value
        let contents = try await fleet.contents()
        for (table, rows) in undisturbed {
          #expect(contents[table] == rows, "\(table) differs from an undisturbed run")
        }
        #expect(try await fleet.withoutMaster().isEmpty)
        // What was counted of each file, redelivered or not, adds up to what is there.
        let counted = try await fleet.query("SELECT sum(prices_new), sum(prices_changed) FROM file_effects")
        let present = try await fleet.query(
          "SELECT (SELECT count(*) FROM prices), (SELECT count(*) FROM price_history)")
        #expect(counted == present)
      }
    }
  }
}

extension Fleet {
  /// A service's output so far: records produced, or, for the db-writer, written.
  func progress(of service: ServiceEntry) async throws -> Int {
    if let output = service.outputs.first { return try await records(in: output) }
    let sql = """
      SELECT coalesce(sum(greatest(next_offset, 0)), 0) FROM kafka_offsets
      WHERE topic = '\(Topics.productsIngest.name)'
      """
    return Int(try await query(sql)[0]) ?? 0
  }

  /// The expected count for the first rounds of a portal, without repeats. The small stores of these tests fit into one
  /// message a file.
  static func effect(of service: ServiceEntry, in portal: PortalSimulator, upTo round: Int) -> Int {
    let files = portal.catalogue.files().filter { $0.round <= round }
    switch service {
    case ServiceCatalogue.crawler, ServiceCatalogue.downloader: return files.count
    default: return files.count { $0.store >= 0 && $0.kind != .promoFull }
    }
  }
}
