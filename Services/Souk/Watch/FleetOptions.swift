import ArgumentParser
import Core
import Operations

/// Where the processes of a fleet answer.
struct FleetOptions: ParsableArguments {
  @Option(
    name: .customLong("address"), parsing: .singleValue,
    help: ArgumentHelp("Where a process has its /metrics (repeatable).", valueName: "host:port"))
  var addresses: [String] = []

  @Option(help: ArgumentHelp(
    "File of addresses, one a line (default: the one that `souk up` writes).", valueName: "path"))
  var addressesFile: String?

  @Option(
    name: .customLong("dns"), parsing: .singleValue,
    help: ArgumentHelp("A name with an address for each process, as headless services have (repeatable).",
                       valueName: "host:port"))
  var names: [String] = []

  @Option(help: ArgumentHelp("A Prometheus that scrapes the fleet: its active targets are asked.", valueName: "url"))
  var prometheus: String?

  var places: FleetAddresses {
    FleetAddresses(addresses: addresses, file: addressesFile, names: names, prometheus: prometheus)
  }

  func validate() throws {
    do { try places.validate() } catch { throw ValidationError(error.message) }
  }
}
