import Core

/// librdkafka properties in layers: ours, then a file, then the environment, then flags; later ones win.
///
/// A few cannot be changed, because the delivery protocol depends on them.
package struct ClientProperties: Sendable, Hashable {
  package private(set) var values: [String: String]

  package init(_ values: [String: String] = [:]) { self.values = values }

  /// The property for the file that a password is from and is read in again; it is not one of the library.
  package static let loginFile = LoginSecret.fileProperty

  /// Our own settings, which may be anything.
  package mutating func setDefault(_ name: String, _ value: String) { values[name] = value }

  /// An operator's setting.
  /// - Parameter source: where it was written, for the error message.
  package mutating func override(_ name: String, _ value: String, source: String) throws(Failure) {
    if let reason = Self.reserved[name] {
      throw Failure(
        .configuration, code: "kafka_property_reserved", "\(source): kafka property \(name) cannot be set: \(reason)")
    }
    values[name] = value
  }

  package static let reserved: [String: String] = [
    "enable.auto.commit": "offsets are committed only when the effect of their records is durable",
    "auto.commit.enable": "offsets are committed only when the effect of their records is durable",
    "enable.auto.offset.store": "offsets are committed only when the effect of their records is durable",
    "auto.offset.reset": "a lost position must be reported; use --start-from for new groups and --on-gap for gaps",
    "enable.partition.eof": "the ends of partitions tell positions behind the markers of transactions",
    "enable.idempotence": "without it a retry can repeat and reorder records",
    "acks": "only acks=all means that a record survives a broker; it is what a committed offset relies on",
    "request.required.acks": "only acks=all means that a record survives a broker",
    "partitioner": "keys must go where Kafka's Java clients put them (murmur2_random), on every producer alike",
    "delivery.report.only.error": "every record's acknowledgement is awaited",
    "log.queue": "logs are read from a queue and go to the service's own log",
    "transactional.id": "it is chosen by --delivery exactly-once",
    "group.id": "use --group-id",
    "group.instance.id": "use --group-instance-id",
    "bootstrap.servers": "use --kafka-bootstrap-servers",
    "metadata.broker.list": "use --kafka-bootstrap-servers",
    "group.protocol": "the rebalance protocol here is the classic one (partition.assignment.strategy)",
    ClusterNames.property: "use --topic-prefix",
    LoginSecret.fileProperty: "it is set for a password of --kafka-properties-file",
    "go.delivery.reports": "it belongs to another client",
  ]

  /// Names whose values are never shown.
  package static func isSecret(_ name: String) -> Bool {
    if secretNames.contains(name) { return true }
    return name.hasSuffix("password") || name.hasSuffix("secret") || name.hasSuffix(".pem")
      || name.hasSuffix("token") || name.hasSuffix(".key")
  }

  private static let secretNames: Set<String> = [
    "sasl.oauthbearer.config", "sasl.oauthbearer.extensions", "ssl.key.pem", "ssl.keystore.password",
    "ssl.key.password", "sasl.password", "sasl.oauthbearer.client.secret", "sasl.jaas.config",
    "sasl.kerberos.kinit.cmd",
  ]

  /// For logs and `--print-config`: sorted, secrets as `***`.
  package var masked: [(name: String, value: String)] {
    values.sorted { $0.key < $1.key }.map { ($0.key, Self.isSecret($0.key) ? "***" : $0.value) }
  }
}

extension ClientProperties: CustomStringConvertible, CustomReflectable {
  package var description: String { masked.map { "\($0.name)=\($0.value)" }.joined(separator: " ") }
  package var customMirror: Mirror { Mirror(self, children: [(label: "values", value: description)]) }
}
