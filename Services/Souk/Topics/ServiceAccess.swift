import Catalogue
import Kafka
import Operations

/// What a service has to be allowed on a cluster with access control: the least that its work needs.
struct ServiceAccess: Hashable, Sendable {
  struct Rule: Hashable, Sendable {
    enum Resource: String, Hashable, Sendable { case topic, group, cluster, transactionalID = "transactional-id" }
    var resource: Resource
    var name: String
    var isPrefix = false
    var operations: [String]
  }
  let service: String
  let rules: [Rule]

  /// - Parameter names: what the cluster calls topics and groups.
  init(_ entry: ServiceEntry, names: ClusterNames = ClusterNames()) {
    service = entry.name
    let reads = entry.inputs + entry.tables
    let writes = entry.outputs + entry.inputs.map(\.deadLetters)
    var rules: [Rule] = []
    for topic in Topics.allWithDeadLetters {
      var operations: [String] = []
      if reads.contains(topic) { operations.append("Read") }
      if writes.contains(topic) { operations.append("Write") }
      if operations.isEmpty { continue }
      operations.append("Describe")
      rules.append(Rule(resource: .topic, name: names.onCluster(topic.name), operations: operations))
    }
    for group in entry.groups {
      rules.append(Rule(resource: .group, name: names.onCluster(group.name), operations: ["Read"]))
    }
    // The library requires a group of the readers of tables, too, although nothing is committed for it.
    if !entry.tables.isEmpty {
      rules.append(Rule(resource: .group, name: names.onCluster("\(entry.name)-table"), operations: ["Describe"]))
    }
    if !writes.isEmpty {
      rules.append(Rule(resource: .cluster, name: "kafka-cluster", operations: ["IdempotentWrite"]))
      // Only with --delivery exactly-once.
      rules.append(Rule(
        resource: .transactionalID, name: names.onCluster("\(entry.name)-"), isPrefix: true,
        operations: ["Write", "Describe"]))
    }
    self.rules = rules
  }

  /// `kafka-acls` of Apache Kafka.
  func commands(principal: String) -> [String] {
    rules.map { rule in
      let resource = rule.resource == .cluster ? "--cluster" : "--\(rule.resource.rawValue) '\(rule.name)'"
      let pattern = rule.isPrefix ? " --resource-pattern-type prefixed" : ""
      return "kafka-acls --bootstrap-server \"$BROKERS\" --add --allow-principal '\(principal)' "
        + rule.operations.map { "--operation \($0)" }.joined(separator: " ") + " \(resource)\(pattern)"
    }
  }
}
