import ArgumentParser
import Core
import Operations

/// The flags of the board.
package struct BoardOptions: ParsableArguments {
  /// When there is a board.
  package enum Presence: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// Where only this machine reaches it, or a token is asked for.
    case auto
    case on, off
  }

  @Option(help: ArgumentHelp(
    "Whether there are pages for people at /board; auto: when --api-host is of this machine only or --tokens-file is "
      + "given."))
  package var board = Presence.auto

  @Flag(help: ArgumentHelp(
    "Let the board send dead letters back and dismiss them, with a token of --tokens-file that has the scope operate."))
  package var allowWrites = false

  @Option(
    name: .customLong("fleet-address"), parsing: .singleValue,
    help: ArgumentHelp("Where a process of the fleet has its /metrics (repeatable).", valueName: "host:port"))
  package var fleetAddress: [String] = []

  @Option(help: ArgumentHelp("File of such addresses, one a line.", valueName: "path"))
  package var fleetAddressesFile: String?

  @Option(
    name: .customLong("fleet-dns"), parsing: .singleValue,
    help: ArgumentHelp(
      "A name with an address for each process, as headless services have (repeatable).", valueName: "host:port"))
  package var fleetDNS: [String] = []

  @Option(help: ArgumentHelp(
    "A Prometheus that scrapes the fleet: its active targets are asked, and its alerts are shown.", valueName: "url"))
  package var prometheusURL: String?

  package init() {}

  package func validate() throws {
    do { try addresses.validate() } catch { throw ValidationError(error.message) }
  }

  var addresses: FleetAddresses {
    FleetAddresses(addresses: fleetAddress, file: fleetAddressesFile, names: fleetDNS, prometheus: prometheusURL)
  }

  /// - Throws: `Failure` of class configuration for writes that no token could allow.
  func settings(hasTokens: Bool) throws(Failure) -> BoardSettings {
    if allowWrites, !hasTokens {
      throw Failure(.configuration, code: "invalid_setting", "--allow-writes needs --tokens-file")
    }
    var prometheus = prometheusURL
    if prometheus?.hasSuffix("/") == true { prometheus?.removeLast() }
    return BoardSettings(allowsWrites: allowWrites, prometheus: prometheus)
  }

  func isOn(host: String, hasTokens: Bool) -> Bool {
    switch board {
    case .on: true
    case .off: false
    case .auto: hasTokens || ["localhost", "::1"].contains(host) || host.hasPrefix("127.")
    }
  }
}
