import Catalogue
import Core

/// One child process of the fleet: what to start, and how it is watched.
struct ProcessPlan: Hashable, Sendable {
  /// Unique in the fleet: `parser-2`. Names the log file.
  var name: String
  /// The stage it belongs to, as in the catalogue of services.
  var service: String
  var arguments: [String]
  /// Added to the environment of `souk`; nil removes a variable.
  var environment: [String: String?]
  var httpPort: UInt16
}

/// What the services are told about their surroundings: the names are those an operator would set.
struct Surroundings: Hashable, Sendable {
  /// For every service.
  var common: [String: String?] = [:]
  /// Where a server is: for the services that need it.
  var servers: [Dependency: [String: String?]] = [:]
  /// For the members of consumer groups.
  var members: [String: String?] = [:]
  /// The file of markets.
  var markets: String?
  /// Arguments of one service, by its name; they win over the environment.
  var arguments: [String: [String]] = [:]
  /// Further processes of a service, by its name: another feed of the one that listens to feeds.
  var further: [String: [Further]] = [:]

  struct Further: Hashable, Sendable {
    /// Unique in the fleet.
    var name: String
    var arguments: [String]
  }

  /// What a process of the service gets beside the environment of `souk`.
  ///
  /// Where a value is set, the variable that names a file with the value (`DATABASE_URL_FILE`) goes: the caller's
  /// file would contradict it.
  func environment(of service: ServiceEntry, _ workload: FleetWorkload? = nil) -> [String: String?] {
    var environment = common
    for need in Dependency.allCases where service.needs.contains(need) {
      environment.merge(servers[need] ?? [:]) { $1 }
    }
    if service.group != nil { environment.merge(members) { $1 } }
    if service.readsMarkets, let markets { environment["CATALOGUE"] = markets }
    for setting in service.settings + (workload?.settings ?? []) where setting.places.contains(.up) {
      environment[setting.name] = setting.value
    }
    for name in environment.keys where environment["\(name)_FILE"] == nil { environment["\(name)_FILE"] = .some(nil) }
    return environment
  }
}

/// Services in the order they start: who consumes is there before who produces, so that nothing waits.
struct FleetPlan: Hashable, Sendable {
  var processes: [ProcessPlan]

  /// - Parameters:
  ///   - services: in the order the data flows.
  ///   - nextPort: a free port for each process.
  init(
    services: [ServiceEntry], replicas: Replicas, surroundings: Surroundings, nextPort: () throws -> UInt16
  ) rethrows {
    processes = []
    for service in services.reversed() {
      let count = replicas.count(of: service.name)
      for workload in service.workloads {
        for index in 0..<count {
          processes.append(ProcessPlan(
            name: count == 1 ? workload.name : "\(workload.name)-\(index + 1)", service: service.name,
            arguments: surroundings.arguments[service.name] ?? [],
            environment: surroundings.environment(of: service, workload), httpPort: try nextPort()))
        }
      }
      for further in surroundings.further[service.name] ?? [] {
        processes.append(ProcessPlan(
          name: further.name, service: service.name, arguments: further.arguments,
          environment: surroundings.environment(of: service), httpPort: try nextPort()))
      }
    }
  }
}

/// How many processes of each service: `parser=2,db-writer=2`; one of those that are not named.
struct Replicas: Hashable, Sendable {
  private var counts: [String: Int] = [:]

  /// - Throws: `Failure` of class configuration that names the part that is wrong.
  init(text: String) throws(Failure) {
    for part in text.split(separator: ",") {
      let sides = part.split(separator: "=", omittingEmptySubsequences: false)
      let name = String(sides[0])
      guard sides.count == 2, let count = Int(sides[1]), (1...32).contains(count) else {
        throw Self.failure("'\(part)' is not of the form service=number, with a number from 1 to 32")
      }
      guard ServiceCatalogue.named(name) != nil else {
        let known = ServiceCatalogue.all.map(\.name).joined(separator: ", ")
        throw Self.failure("there is no service '\(name)'; there are \(known)")
      }
      counts[name] = count
    }
  }

  /// The services that are named.
  var names: [String] { counts.keys.sorted() }

  func count(of service: String) -> Int { counts[service] ?? 1 }

  private static func failure(_ text: String) -> Failure {
    Failure(.configuration, code: "bad_replicas", "--replicas: \(text)")
  }
}
