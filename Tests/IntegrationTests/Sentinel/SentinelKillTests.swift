import Catalogue
import LocalServers
import Testing
import TestSupport

/// `kill -9` of any Sentinel service at any moment, and its restart, leave the database as an undisturbed run does.
@Suite(.serialized) struct SentinelKillTests {
  private static let undisturbed = Task {
    var contents: [String: [[String?]]] = [:]
    try await SentinelFleet.with { fleet in
      for service in FleetSystem.sentinel.services.reversed() { try await fleet.start(service.name) }
      try await fleet.settle()
      contents = try await fleet.contents()
    }
    return contents
  }

  @Test(.timeLimit(.minutes(20)), arguments: FleetSystem.sentinel.services.map(\.name))
  func killsLeaveTheDatabaseUnchanged(victim name: String) async throws {
    let undisturbed = try await Self.undisturbed.value
    #expect(undisturbed["market_observations"]?.count == SentinelFleet.observations)
    var random = TestRandom("sentinel kill \(name)")
    let moments = (0..<3).map { _ in Int.random(in: 1..<SentinelFleet.observations, using: &random) }.sorted()
    try await SentinelFleet.with { fleet in
      var victim: ServiceProcess?
      for service in FleetSystem.sentinel.services.reversed() {
        let process = try await fleet.start(service.name)
        if service.name == name { victim = process }
      }
      for moment in moments {
        try await eventually("\(moment) observations", timeout: .seconds(240), interval: .milliseconds(5)) {
          try await fleet.published() >= moment
        }
        await victim?.kill()
        print("killed \(name) at \(try await fleet.published()) of \(SentinelFleet.observations) observations")
        victim = try await fleet.start(name)
      }
      try await fleet.settle()
      let contents = try await fleet.contents()
      for (table, rows) in undisturbed { #expect(contents[table] == rows, "\(table) differs from an undisturbed run") }
    }
  }
}
