import Foundation
import SimulatorServer

/// An HTTP server that speaks the Bina protocol for every chain of a catalogue:
///
///     GET /<prefix>/MainIO_Hok.aspx?WFileType=&WDate=&WStore=   the listing
///     GET /<prefix>/Download.aspx?FileNm=                       [{"SPath": link}]
///     GET /<prefix>/Download/<FileNm>                           the bytes
///
/// and, in a folder of its own each (`Pages`), the protocols of the portals that list on HTML pages; and, to steer
/// it from outside:
///
///     GET  /_portal/sources[?pages=shufersal]   one `--source` value of the crawler per line
///     POST /_portal/faults?fault=<mode@target/prefix*times>     DELETE /_portal/faults
///     POST /_portal/rounds?visible=<n>
///     POST /_portal/republish?prefix=&name=
package final class PortalSimulator: Sendable {
  package let catalogue: CatalogueGenerator
  package let options: PortalOptions
  let state: PortalState
  let publishedChains: [String: PublishedChain]
  let sessions = CerberusSessions()
  private let server: SimulatorServer

  /// One chain and its files by name.
  struct PublishedChain: Sendable {
    let chain: ChainProfile
    let files: [PortalFile]
    let byName: [String: PortalFile]
  }

  package init(
    _ settings: CatalogueSettings = CatalogueSettings(), options: PortalOptions = PortalOptions(),
    server: SimulatorServer = SimulatorServer("portal-simulator")
  ) {
    let catalogue = CatalogueGenerator(settings: settings)
    self.catalogue = catalogue
    self.options = options
    self.server = server
    state = PortalState(options: options, rounds: settings.rounds)
    publishedChains = Dictionary(
      uniqueKeysWithValues: catalogue.chains.map { chain in
        let files = catalogue.files(of: chain)
        let byName = Dictionary(uniqueKeysWithValues: files.map { ($0.name, $0) })
        return (chain.prefix, PublishedChain(chain: chain, files: files, byName: byName))
      })
  }

  /// Serves until SIGTERM or SIGINT.
  package func run(_ listen: ListenOptions) async throws {
    try await listen.run(server, makeRouter()) { self.sources.map { "  --source '\($0)'" } }
  }

  /// Runs the portal while `body` runs, on a port of its own.
  package static func serving<Value: Sendable>(
    _ settings: CatalogueSettings = CatalogueSettings(), options: PortalOptions = PortalOptions(),
    _ body: @Sendable (PortalSimulator) async throws -> Value
  ) async throws -> Value {
    let portal = PortalSimulator(settings, options: options)
    return try await portal.server.serving({ portal.makeRouter() }) {
      try await body(portal)
    }
  }

  package var port: Int { server.port }
  package func baseURL(of chain: ChainProfile) -> String { "\(server.url)/\(chain.prefix)" }
  /// What to give the crawler's `--source`, one per chain.
  package var sources: [String] { catalogue.chains.map { "bina+\(baseURL(of: $0))?chain=\($0.slug)" } }

  package func add(_ fault: Fault) { state.add(fault) }
  package func clearFaults() { state.clearFaults() }
  /// Makes the price files of the first `rounds` rounds visible.
  package func reveal(rounds: Int) { state.reveal(rounds: rounds) }
  package var visibleRounds: Int { min(state.visibleRounds, catalogue.settings.rounds) }
  /// Publishes a file again under its name: later, longer, with the same rows.
  package func republish(_ file: PortalFile) { state.republish("\(file.chain.prefix)/\(file.name)") }
  /// Takes a file out of the listings; what was linked before can still be fetched.
  package func withdraw(_ file: PortalFile) { state.withdraw(file.key) }
  /// Moves the portal's clock forward: signed links expire.
  package func passTime(_ duration: Duration) { state.passTime(duration) }
  /// The portal's clock, in seconds since 1970.
  var now: Double { Date().timeIntervalSince1970 + Double(state.ahead.components.seconds) }
  /// How many requests of a kind were made, those with a fault included.
  package func requests(_ target: Fault.Target) -> Int { state.requests(target) }
  /// The files visible now, in order of time, chain by chain.
  package var visibleFiles: [PortalFile] {
    catalogue.chains.flatMap { publishedChains[$0.prefix]?.files ?? [] }.filter { $0.round <= visibleRounds }
  }
}
