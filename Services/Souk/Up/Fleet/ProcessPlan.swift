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
  /// For one service, by its name; wins over `common`.
  var perService: [String: [String: String?]] = [:]
  /// Arguments of one service, by its name.
  var arguments: [String: [String]] = [:]
  /// Where processes of one executable do different work, by the service's name: one or more of each.
  var variants: [String: [Variant]] = [:]

  struct Variant: Hashable, Sendable {
    /// Of its processes: `inference-worker-polymer`.
    var name: String
    /// Behind those of the service.
    var arguments: [String] = []
  }

  /// What a process of the service gets beside the environment of `souk`.
  ///
  /// Where a value is set, the variable that names a file with the value (`DATABASE_URL_FILE`) goes: the caller's
  /// file would contradict it.
  func environment(of service: String) -> [String: String?] {
    var environment = common.merging(perService[service] ?? [:]) { $1 }
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
    services: [String], replicas: Replicas, surroundings: Surroundings, nextPort: () throws -> UInt16
  ) rethrows {
    processes = []
    for service in services.reversed() {
      let count = replicas.count(of: service)
      for variant in surroundings.variants[service] ?? [Surroundings.Variant(name: service)] {
        for index in 0..<count {
          processes.append(ProcessPlan(
            name: count == 1 ? variant.name : "\(variant.name)-\(index + 1)", service: service,
            arguments: (surroundings.arguments[service] ?? []) + variant.arguments,
            environment: surroundings.environment(of: service), httpPort: try nextPort()))
        }
      }
    }
  }
}
