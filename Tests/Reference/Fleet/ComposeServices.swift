import Catalogue
import Values

/// The services of the catalogue as blocks of compose's files: `docker-compose.yml`, the targets of Prometheus, the
/// programs of the image.
package struct ComposeServices: Sendable {
  package let services: [ServiceEntry]

  package init(_ services: [ServiceEntry] = ServiceCatalogue.all) { self.services = services.flatMap(\.parts) }

  // MARK: - docker-compose.yml

  /// Which profiles start a server: those of the services that need it.
  package func profiles() -> String {
    "x-profiles:\n" + Dependency.servers.map { need in
      let systems = FleetSystem.allCases.filter { system in
        services.contains { $0.needs.contains(need) && $0.systems.contains(system) }
      }
      return "  \(need.composeName): &with-\(need.composeName) "
        + list(systems.flatMap(\.profiles) + (systems.isEmpty ? [] : ["all", "demo"])) + "\n"
    }.joined()
  }

  package func compose() -> String {
    FleetSystem.allCases.map { system in
      "  # ---- \(system.rawValue)\n\n" + services.filter { $0.systems.first == system }.flatMap(definitions)
        .joined(separator: "\n")
    }.joined(separator: "\n")
  }

  /// Volumes that are kept, for the list at the end of the file.
  package func volumes() -> String {
    services.flatMap(\.volumes).compactMap { if case .kept(_, let name) = $0 { "  \(name):\n" } else { nil } }.joined()
  }

  /// The demo's fetchers of market data: those that have a simulator to ask.
  package func demo() -> String {
    let fetchers = services.filter { $0.name == ServiceCatalogue.fetcher.name }.flatMap { service in
      service.workloads.map { (anchor: anchor(of: service), workload: $0) }
    }
    return fetchers.compactMap { anchor, workload in
      guard let kind = workload.kind.flatMap({ FetchKind(rawValue: $0) }), let simulator = kind.simulator else {
        return nil
      }
      return """
          \(workload.name)-demo:
            <<: *\(anchor)
            profiles: [demo]
            environment:
              <<: *\(workload.name)-settings
              DATA_SOURCES: /etc/souk/data_sources.yaml
              ALLOW_PRIVATE_ADDRESSES: "true"
            volumes: *demo-bars
            depends_on:
              <<: *needs-redis
              \(simulator)-simulator: {condition: service_healthy}

        """
    }.joined(separator: "\n")
  }

  /// The first workload is written out; others say how they differ from it.
  private func definitions(of service: ServiceEntry) -> [String] {
    let first = service.workloads[0]
    // Anchors are for what refers to them: other workloads, a stand-in.
    let isNamed = service.hasStandIn || service.workloads.count > 1
    let anchor = anchor(of: service)
    let comment = service.note.commented.split(separator: "\n").map(String.init)
    let definition = comment + ["\(first.name):\(isNamed ? " &\(anchor)" : "")"]
      + whole(service, first, isNamed: isNamed)
    let others = service.workloads.dropFirst().map { workload in
      [
        "\(workload.name):", "  <<: *\(anchor)",
        "  environment:\(service.hasStandIn ? " &\(workload.name)-settings" : "")",
        "    <<: *\(first.name)-settings",
      ] + workload.settings.map { "    \($0.name): \($0.value.yaml)" }
    }
    return ([definition] + others).map { $0.map { "  \($0)\n" }.joined() }
  }

  /// A service that is written in several parts has several of them.
  private func anchor(of service: ServiceEntry) -> String {
    services.filter { $0.name == service.name }.count > 1 ? service.workloads[0].name : service.name
  }

  private func whole(_ service: ServiceEntry, _ workload: FleetWorkload, isNamed: Bool) -> [String] {
    let needs = Dependency.servers.filter { $0 != .kafka && service.needs.contains($0) }
    var lines = [
      "<<: *service",
    ] + (service.image == .fleet ? [] : ["image: *\(service.image.rawValue)"]) + [
      "profiles: "
        + list(service.systems.flatMap(\.profiles) + ["all"] + (service.hasStandIn ? [] : ["demo"])),
      "command: [\(service.name)]",
      "environment:\(isNamed ? " &\(workload.name)-settings" : "")",
      "  <<: \(references(["settings"] + needs.map(\.composeName)))",
    ]
    for setting in (service.settings + workload.settings).unique where setting.places.contains(.compose) {
      let value = setting.variable.map { "${\($0):-\(setting.value)}" } ?? setting.value.yaml
      lines.append("  \(setting.name): \(value)")
    }
    if service.readsMarkets { lines.append("  CATALOGUE: /etc/souk/markets.yaml") }
    let secrets = needs.flatMap(\.composeSecrets)
    if !secrets.isEmpty { lines.append("secrets: \(list(secrets))") }
    lines += volumes(of: service)
    if let port = service.serves {
      // A range, so that each of several containers has a port of the machine.
      lines.append("ports: [\"127.0.0.1:${\(service.name.uppercased())_PORTS:-\(port)-\(port + 9)}:\(port)\"]")
    }
    if !service.kinds.isEmpty {
      lines += ["# Prometheus asks for all of them by the service's name.",
                "networks: {default: {aliases: [\(service.name)]}}"]
    }
    let gates = (needs.isEmpty ? ["topics"] : needs.map(\.composeName)).map { "needs-\($0)" }
    lines.append("depends_on: " + (gates.count == 1 ? "*\(gates[0])" : "{<<: \(references(gates))}"))
    lines.append("deploy: \(limits(service.resources))")
    return lines.map { "  \($0)" }
  }

  private func volumes(of service: ServiceEntry) -> [String] {
    let volumes = service.volumes.map { volume in
      switch volume {
      case .scratch(let path, _): path
      case .kept(let path, let name): "\(name):\(path)"
      }
    } + (service.readsMarkets ? ["\"${SOUK_MARKETS:-\(Self.markets)}:/etc/souk/markets.yaml:ro\""] : [])
    return volumes.isEmpty ? [] : ["volumes: \(list(volumes))"]
  }

  /// From the folder of the compose file: Kustomize reads no file outside of its own folders, compose does.
  private static let markets = "../k8s/components/sentinel/markets.yaml"

  private func limits(_ resources: ContainerResources) -> String {
    switch resources.memoryLimit {
    case ...256: "*small"
    case ...512: "*medium"
    case ...1_024: "*large"
    default: "{resources: {limits: {cpus: \"2\", memory: \(resources.memoryLimit / 1_024)G}}}"
    }
  }

  private func unique(_ names: [String]) -> [String] {
    names.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  private func list(_ items: [String]) -> String { "[\(items.joined(separator: ", "))]" }

  private func references(_ names: [String]) -> String {
    names.count == 1 ? "*\(names[0])" : list(names.map { "*\($0)" })
  }

  // MARK: - Prometheus, Dockerfile, Makefile, README

  /// Names that Docker's DNS answers with an address for each replica.
  package func targets() -> String {
    unique(services.flatMap { service in
      [service.name] + (service.hasStandIn && service.kinds.isEmpty ? ["\(service.name)-demo"] : [])
    }).map { "          - \($0)\n" }.joined()
  }

  package func products() -> String {
    var lines = ["ARG PRODUCTS=\""]
    for name in unique(services.map(\.name)) + ["souk"] {
      if lines[lines.count - 1].utf8.count + name.utf8.count > 110 { lines.append("  ") }
      lines[lines.count - 1] += name + " "
    }
    return lines.map { $0.last == " " ? String($0.dropLast()) : $0 }.joined(separator: " \\\n") + "\""
  }

  /// What `make demo` builds of each system.
  package func demoProducts() -> String {
    FleetSystem.allCases.map { system in
      let names = services.filter { $0.systems.contains(system) }.map(\.name)
      return "PRODUCTS_\(system.rawValue) := \(names.joined(separator: " "))\n"
    }.joined()
  }

  /// As `compose/README.md` shows the profiles of the systems.
  package func systems() -> String {
    let rows = FleetSystem.allCases.map { system in
      let own = services.filter { $0.systems.contains(system) }
      let names = own.map { service in
        service.workloads.count == 1 ? service.workloads[0].name : "\(service.workloads.count) × \(service.name)"
      }
      let servers = Dependency.servers.filter { need in own.contains { $0.needs.contains(need) } }
      return [
        "`\(system.rawValue)`", names.joined(separator: ", "), servers.map(\.composeTitle).joined(separator: ", "),
      ]
    }
    return CatalogueTables.table(["profile", "services", "stands on"], rows + [
      ["`all`", "all of these", "all of these"],
      ["`observability`", "Prometheus, Alertmanager, Grafana", ""],
      ["`tools`", "a console of Kafka, to look only", ""],
      ["`demo`", "all of these, with simulators in the place of the outside world", ""],
    ])
  }
}

extension Dependency {
  /// What the compose file starts; the rest is the outside world.
  static let servers = allCases.filter { ![.internet, .ftp, .dask].contains($0) }

  var composeName: String { self == .objectStore ? "s3" : rawValue }
  var composeTitle: String { self == .objectStore ? "S3" : title }

  var composeSecrets: [String] {
    switch self {
    case .postgres: ["database_url"]
    case .redis: ["redis_url"]
    case .influx: ["influx_token"]
    case .objectStore: ["s3_access_key", "s3_secret_key"]
    case .kafka, .internet, .ftp, .dask: []
    }
  }
}

extension FetchKind {
  /// Which of the demo's simulators answers; nil: none.
  fileprivate var simulator: String? {
    switch self {
    case .bars: "feed"
    case .chains: nil
    case .news, .social, .transcripts: "news"
    case .filings: "edgar"
    }
  }
}
