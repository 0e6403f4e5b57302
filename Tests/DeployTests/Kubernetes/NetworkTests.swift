import Catalogue
import Testing

/// Who may talk to whom: Kafka, and what a service's own results and sources are, nothing else.
@Suite struct NetworkTests {
  @Test func whatIsNotNamedIsRefused() async throws {
    let rendering = try await Rendering.of(.production)
    let policies = rendering.all("NetworkPolicy").map(\.tree)
    let all: YAMLTree = .mapping(["app.kubernetes.io/part-of": .text("souk")])
    let refusals = policies.filter { $0["spec", "egress"].isNull && $0["spec", "ingress"].isNull }
    #expect(refusals.count == 1)
    #expect(refusals.first?["spec", "podSelector", "matchLabels"] == all)
    #expect(refusals.first?["spec", "policyTypes"].texts == ["Ingress", "Egress"])
    for workload in rendering.workloads { #expect(workload.labels["app.kubernetes.io/part-of"] == "souk") }
    // One policy for each word of the labels, and each names its peer and its ports.
    let words = Dependency.allCases.filter { $0 != .kafka }.map(\.rawValue)
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

  @Test func theInternetIsNotTheOwnNetwork() async throws {
    let peers = try await Rendering.of(.production).all("NetworkPolicy")
      .flatMap { $0.tree["spec", "egress"].items }.flatMap { $0["to"].items }.map { $0["ipBlock"] }
    // Of IPv6 the global addresses, which private and link-local ones are not part of.
    #expect(Set(peers.compactMap { $0["cidr"].text }) == ["0.0.0.0/0", "2000::/3", "169.254.20.10/32"])
    let blocks = peers.filter { $0["cidr"].text == "0.0.0.0/0" }
    #expect(blocks.count == 3)
    for block in blocks {
      #expect(Set(block["except"].texts).isSuperset(of: [
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
      ]))
    }
  }

  /// Whether a pod that reaches `word` (nil: any pod of the fleet) may open a TCP connection to a peer.
  private func admits(_ rendering: Rendering, _ word: String?, _ peer: String, _ port: Int) -> Bool {
    rendering.all("NetworkPolicy").contains { policy in
      let selector = policy.tree["spec", "podSelector", "matchLabels"].fields
      let isOfAll = selector["app.kubernetes.io/part-of"] != nil
      guard isOfAll || word.map({ selector["souk/reaches-\($0)"] != nil }) ?? false else { return false }
      return policy.tree["spec", "egress"].items.contains { rule in
        rule["to"].items.contains { $0["ipBlock", "cidr"].text == peer }
          && rule["ports"].items.contains { item in
            let first = Int(item["port"].text ?? "") ?? 0
            return (first...(Int(item["endPort"].text ?? "") ?? first)).contains(port)
          }
      }
    }
  }

  /// DNS of a node, S3 itself; with the components for them managed servers at any address, the token service and the
  /// credential endpoints.
  @Test func whatACloudOffersCanBeReached() async throws {
    let plain = try await Rendering.of(.production)
    #expect(admits(plain, nil, "169.254.20.10/32", 53))
    #expect(admits(plain, "object-store", "0.0.0.0/0", 443))
    #expect(!admits(plain, nil, "0.0.0.0/0", 9098))
    let managed = try await Rendering.production(with: "managed-servers")
    for (word, ports) in [
      (nil, [9092, 9094, 9096, 9098, 9194, 9198]), ("postgres", [5432]), ("redis", [6379]), ("influxdb", [443]),
      ("object-store", [443]),
    ] as [(String?, [Int])] {
      for port in ports {
        for peer in ["0.0.0.0/0", "::/0"] {
          #expect(admits(managed, word, peer, port), "\(word ?? "Kafka") \(peer) \(port)")
        }
      }
    }
    let identity = try await Rendering.production(with: "cloud-identity")
    #expect(admits(identity, "object-store", "::/0", 443))
    for peer in ["169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32"] {
      #expect(admits(identity, "object-store", peer, 80) && !admits(plain, "object-store", peer, 80), "\(peer)")
    }
  }

  @Test func prometheusReachesEveryPod() async throws {
    let rendering = try await Rendering.of(.production)
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
