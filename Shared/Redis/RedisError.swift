import Runtime

/// What Redis or the way to it answered, classified. The table is closed: an error reply whose first word is not in
/// it is `fatal`, because it means we sent a command wrongly.
package struct RedisError: ClassifiedError, Hashable {
  package var code: String
  package var errorClass: ErrorClass
  /// What was being done: `connect`, or the name of the command.
  package var operation: String
  /// Without keys, values and credentials.
  package var message: String

  package init(code: String, _ errorClass: ErrorClass, operation: String, message: String) {
    self.code = code
    self.errorClass = errorClass
    self.operation = operation
    self.message = message
  }

  package var description: String { "Redis \(operation): \(message) [\(code)]" }

  /// Error replies by their first word.
  private static let table: [String: ErrorClass] = [
    // The server is starting, failing over, full, or busy with somebody's script.
    "LOADING": .transient, "BUSY": .transient, "TRYAGAIN": .transient, "CLUSTERDOWN": .transient,
    "MASTERDOWN": .transient, "READONLY": .transient, "OOM": .transient, "MISCONF": .transient,
    "NOREPLICAS": .transient, "UNBLOCKED": .transient,
    // The operator chose wrong credentials, a wrong server, or keys that somebody else uses.
    "NOAUTH": .configuration, "WRONGPASS": .configuration, "NOPERM": .configuration, "DENIED": .configuration,
    "WRONGTYPE": .configuration, "MOVED": .configuration, "ASK": .configuration, "CROSSSLOT": .configuration,
    // Answered to EVALSHA; whoever sends that sends the script next.
    "NOSCRIPT": .fatal,
  ]

  /// - Parameter text: the error reply. Only its first word and, for the well-known ones, its sentence are kept.
  static func reply(_ text: String, to operation: String) -> RedisError {
    let word = String(text.prefix { $0 != " " })
    if let known = table[word] {
      return RedisError(code: "redis_\(word.lowercased())", known, operation: operation, message: text)
    }
    let configured = ["DB index is out of range", "Client sent AUTH", "invalid password", "AUTH <password> called"]
    if configured.contains(where: text.contains) {
      return RedisError(code: "redis_refused", .configuration, operation: operation, message: text)
    }
    if text.contains("max number of clients") {
      return RedisError(code: "redis_maxclients", .transient, operation: operation, message: text)
    }
    return RedisError(
      code: "redis_error", .fatal, operation: operation,
      // Its sentence may quote arguments, after the first of its quotation marks.
      message: "an error reply of unknown kind (\(text.prefix { !"'\"`".contains($0) }.prefix(80)))")
  }
}
