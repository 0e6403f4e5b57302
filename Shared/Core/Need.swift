import Logging

/// Something outside the process that a service needs, as a value: how it is opened, checked, waited for and closed.
///
/// Each sink declares its own beside its options, so that it is the same in every service. The kit opens all that a
/// service names in their order, waits for them side by side, and closes them in reverse; `--check` probes the same.
package struct Need<Value: Sendable>: Sendable {
  /// Of the line of `--check`.
  package var name: String
  /// What the log waits for: "the object store".
  package var title: String
  /// The condition of `/readyz` that says whether it can be used; nil for what a service starts without.
  package var condition: String?
  /// How long a probe of `--check` may take.
  package var limit: Duration
  /// Connects to nothing: throws only for settings that are wrong.
  package var open: @Sendable () throws -> Value
  /// Finds out whether it can be used, and changes nothing.
  /// - Returns: what was found, for people. Nil: `--check` has no line for it and does not open it.
  package var check: (@Sendable (Value) async throws -> String)?
  /// One attempt to make it usable before work begins; repeated while it throws a transient error. Nil: the check.
  /// - Returns: what was found, for the log; empty when there is nothing to say.
  package var prepare: (@Sendable (Value) async throws -> String)?
  /// Waits in a way of its own instead of repeating `prepare`.
  /// - Returns: false when the service was asked to drain first.
  package var wait: (@Sendable (Value, NeedWait) async throws -> Bool)?
  package var close: @Sendable (Value) async -> Void

  package init(
    _ name: String, as title: String? = nil, condition: String? = nil, limit: Duration = .seconds(10),
    open: @escaping @Sendable () throws -> Value, check: (@Sendable (Value) async throws -> String)? = nil,
    prepare: (@Sendable (Value) async throws -> String)? = nil,
    wait: (@Sendable (Value, NeedWait) async throws -> Bool)? = nil,
    close: @escaping @Sendable (Value) async -> Void = { _ in }
  ) {
    self.name = name
    self.title = title ?? name
    self.condition = condition
    self.limit = limit
    self.open = open
    self.check = check
    self.prepare = prepare
    self.wait = wait
    self.close = close
  }

  /// A setting that is read before work, and told by `--check`.
  package static func setting(
    _ name: String, _ read: @escaping @Sendable () throws -> Value,
    says: @escaping @Sendable (Value) throws -> String
  ) -> Need {
    Need(name, open: read, check: { try says($0) })
  }
}

/// What the kit gives to a need that waits in a way of its own.
package struct NeedWait: Sendable {
  package let drain: Interruption
  package let logger: Logger
  /// Says on `/readyz` whether it can be used, and why not, without names of hosts.
  package let tell: @Sendable (_ isReady: Bool, _ reason: String) -> Void

  package init(
    drain: Interruption, logger: Logger, tell: @escaping @Sendable (_ isReady: Bool, _ reason: String) -> Void
  ) {
    self.drain = drain
    self.logger = logger
    self.tell = tell
  }
}
