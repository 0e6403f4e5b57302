import Schemas
import Testing

/// Who may talk to whom: Kafka, and what a service's own results and sources are, nothing else.
@Suite struct NetworkTests {
  /// What a service reaches besides Kafka and its sink of the catalogue: where it remembers, what it reads.
  private static let others: [String: Set<String>] = [
    "crawler": ["redis", "internet", "ftp"],
    "downloader": ["internet", "ftp"],
    "parser": ["object-store", "redis"],
    "egx-producer": ["internet"],
    "fetcher": ["redis", "internet"],
    "inference-worker": ["object-store"],
  ]

  private static func sink(_ entry: ServiceEntry) -> Set<String> {
    switch entry.sink {
    case "PostgreSQL": ["postgres"]
    case "InfluxDB": ["influxdb"]
    case "object store": ["object-store"]
    default: []
    }
  }

  @Test(arguments: Rendering.overlays)
  func podsReachTheirOwnSinksOnly(overlay: String) async throws {
    for workload in try await Rendering.overlay(overlay).workloads {
      let entry = try #require(ServiceCatalogue.named(workload.deployed.program), "\(workload.name)")
      let expected = workload.entry == nil
        ? Self.sink(entry) : Self.sink(entry).union(Self.others[entry.name] ?? [])
      #expect(workload.reaches == expected, "\(workload.name)")
      let settings = workload.deployed.settingNames
      #expect(workload.reaches.contains("postgres") == settings.contains("database-url"), "\(workload.name)")
      #expect(workload.reaches.contains("redis") == settings.contains("redis-url"), "\(workload.name)")
      #expect(workload.reaches.contains("influxdb") == settings.contains("influx-url"), "\(workload.name)")
    }
  }

  @Test(arguments: Rendering.overlays)
  func whatIsNotNamedIsRefused(overlay: String) async throws {
    let rendering = try await Rendering.overlay(overlay)
    let policies = rendering.all("NetworkPolicy").map(\.tree)
    let all: YAMLTree = .mapping(["app.kubernetes.io/part-of": .text("souk")])
    let refusals = policies.filter { $0["spec", "egress"].isNull && $0["spec", "ingress"].isNull }
    #expect(refusals.count == 1)
    #expect(refusals.first?["spec", "podSelector", "matchLabels"] == all)
    #expect(refusals.first?["spec", "policyTypes"].texts == ["Ingress", "Egress"])
    for workload in rendering.workloads { #expect(workload.labels["app.kubernetes.io/part-of"] == "souk") }
    // One policy for each word of the labels, and each names its peer and its ports.
    let words = rendering.workloads.reduce(into: Set<String>()) { $0.formUnion($1.reaches) }
    let labelled = policies.compactMap { $0["spec", "podSelector", "matchLabels"].fields.keys.first }
      .filter { $0.hasPrefix("souk/reaches-") }
    #expect(Set(labelled) == Set(words.map { "souk/reaches-\($0)" }))
    #expect(labelled.count == words.count)
    for policy in policies where !policy["spec", "egress"].isNull {
      for rule in policy["spec", "egress"].items {
        #expect(!rule["to"].items.isEmpty && !rule["ports"].items.isEmpty, "\(policy["metadata", "name"].text ?? "")")
      }
    }
  }

  @Test(arguments: Rendering.overlays)
  func theInternetIsNotTheOwnNetwork(overlay: String) async throws {
    let blocks = try await Rendering.overlay(overlay).all("NetworkPolicy")
      .flatMap { $0.tree["spec", "egress"].items }.flatMap { $0["to"].items }.map { $0["ipBlock"] }
      .filter { $0["cidr"].text == "0.0.0.0/0" }
    #expect(blocks.count == 2)
    for block in blocks {
      #expect(Set(block["except"].texts).isSuperset(of: [
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
      ]))
    }
  }

  @Test(arguments: Rendering.overlays)
  func prometheusReachesEveryPod(overlay: String) async throws {
    let rendering = try await Rendering.overlay(overlay)
    let service = try #require(rendering.named("Service", "souk-metrics"))
    #expect(service.tree["spec", "selector"] == .mapping(["app.kubernetes.io/part-of": .text("souk")]))
    #expect(service.tree["spec", "clusterIP"].text == "None")
    for monitor in rendering.all("ServiceMonitor") {
      let wanted = monitor.tree["spec", "selector", "matchLabels"].fields.compactMapValues(\.text)
      #expect(wanted.allSatisfy { service.labels[$0] == $1 })
      let ports = Set(service.tree["spec", "ports"].items.compactMap { $0["name"].text })
      for endpoint in monitor.tree["spec", "endpoints"].items {
        #expect(ports.contains(endpoint["port"].text ?? ""))
        #expect(endpoint["path"].text == "/metrics")
      }
    }
  }
}
