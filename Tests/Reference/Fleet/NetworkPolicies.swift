import Catalogue

/// Who may reach a server: one policy for each, and the pods it is for by the label that their entry's needs give them.
enum NetworkPolicies {
  /// Those of `k8s/base/network.yaml`: servers in the cluster, and public addresses.
  static func base() -> String {
    Dependency.allCases.map { need in
      """
      \(need.policyNote.commented.terminated)apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: souk-\(need.rawValue)}
      spec:
        podSelector: {matchLabels: {\(need.podLabel)}}
        policyTypes: [Egress]
        egress:
      \(need.peer.map { inside($0, need.ports) } ?? "")\(need.publicPorts.isEmpty ? "" : outside(need.publicPorts))
      """
    }.joined(separator: "---\n")
  }

  /// The patches of `k8s/components/managed-servers`: private addresses too, as those of a VPC are.
  static func managed() -> String {
    Dependency.servers.map { need in
      """
        - target: {kind: NetworkPolicy, name: souk-\(need.rawValue)}
          patch: |-
            - op: add
              path: /spec/egress/-
              value:
                to: [{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: "::/0"}}]
                ports: [\(list(need.managedPorts))]

      """
    }.joined()
  }

  private static func inside(_ peer: String, _ ports: [ClosedRange<Int>]) -> String {
    """
        - to: [{\(peer)}]
          ports: [\(list(ports))]

    """
  }

  /// Public addresses of IPv4, and the global ones of IPv6.
  private static func outside(_ ports: [ClosedRange<Int>]) -> String {
    """
        - to:
            - ipBlock:
                cidr: 0.0.0.0/0
                except: [10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]
            - ipBlock: {cidr: "2000::/3"}
          ports: [\(list(ports))]

    """
  }

  private static func list(_ ports: [ClosedRange<Int>]) -> String {
    ports.map { range in
      "{protocol: TCP, port: \(range.lowerBound)\(range.count == 1 ? "" : ", endPort: \(range.upperBound)")}"
    }.joined(separator: ", ")
  }
}

extension Dependency {
  /// Every service reaches Kafka; of the others the pod's label says that it does.
  fileprivate var podLabel: String {
    self == .kafka ? "app.kubernetes.io/part-of: souk" : "souk/reaches-\(rawValue): \"true\""
  }

  /// The server in the cluster, by its namespace or its pods beside the fleet's; nil for the outside world.
  fileprivate var peer: String? {
    switch self {
    case .kafka: "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kafka}}"
    case .postgres, .redis, .influx, .objectStore:
      "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: data}}"
    case .dask: "podSelector: {matchLabels: {app.kubernetes.io/name: dask-scheduler}}"
    case .internet, .ftp: nil
    }
  }

  /// Of the server in the cluster.
  fileprivate var ports: [ClosedRange<Int>] {
    switch self {
    case .kafka: [9092...9092, 9093...9093]
    case .postgres: [5432...5432]
    case .redis: [6379...6379]
    case .influx: [8086...8086]
    case .objectStore: [8333...8333]
    case .dask: [8080...8080, 8786...8786]
    case .internet, .ftp: []
    }
  }

  /// At public addresses.
  fileprivate var publicPorts: [ClosedRange<Int>] {
    switch self {
    case .objectStore: [443...443]
    case .internet: [80...80, 443...443]
    case .ftp: [21...21, 1_024...65_535]
    case .kafka, .postgres, .redis, .influx, .dask: []
    }
  }

  /// Of a server outside the cluster.
  fileprivate var managedPorts: [ClosedRange<Int>] {
    switch self {
    case .kafka: [9092...9098, 9192...9198]
    case .redis: [6379...6380]
    case .influx: [443...443, 8086...8086]
    case .objectStore: [443...443, 9000...9000]
    case .postgres, .internet, .ftp, .dask: ports
    }
  }

  fileprivate var policyNote: String {
    switch self {
    case .objectStore: "S3 itself is at public addresses; managed servers at private ones: components/managed-servers."
    case .internet: """
      Portals, exchanges and providers: the public Internet, and nothing inside. The services refuse private addresses
      themselves; this holds also when they are wrong.
      """
    case .ftp: "Some portals are FTP servers: their data connections go to ports of the server's choice."
    case .dask: "The scheduler of the batch layer's cluster: components/dask."
    case .kafka, .postgres, .redis, .influx: ""
    }
  }
}
