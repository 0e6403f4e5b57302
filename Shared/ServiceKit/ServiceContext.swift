import Core
import Logging

/// What a running service is given.
package struct ServiceContext: Sendable {
  /// The name of the command as users type it: `db-writer`.
  package let name: String
  package let logger: Logger
  /// Raised once by SIGTERM or SIGINT: take in nothing new, settle what is in hand, return.
  package let drain: Interruption
  /// How long after `drain` the process is ended whatever it is doing.
  package let drainTimeout: Duration
  package let health: Health
  /// Nil when no traces are wanted.
  package let tracer: Tracer?

  package init(
    name: String, logger: Logger, drain: Interruption = Interruption(), drainTimeout: Duration = .seconds(25),
    health: Health = Health(), tracer: Tracer? = nil
  ) {
    self.name = name
    self.logger = logger
    self.drain = drain
    self.drainTimeout = drainTimeout
    self.health = health
    self.tracer = tracer
  }
}
