import Kafka
import KafkaFlags
import Logging

/// A Kafka cluster, as people look at it: in no group, and without log lines of the library between the answers.
package struct Cluster: Sendable {
  package let admin: Admin
  package let options: KafkaOptions
  /// The `client.id`.
  package let name: String

  /// - Throws: `Failure` of class configuration for a property that Kafka's library refuses.
  package init(_ options: KafkaOptions, name: String) throws {
    (self.options, self.name) = (options, name)
    admin = try options.makeAdmin(clientID: name, logger: Self.silent)
  }

  /// Callers print the answer or the error.
  static var silent: Logger {
    var logger = Logger(label: "souk")
    logger.logLevel = .critical
    return logger
  }
}
