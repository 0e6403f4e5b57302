import Core

/// An error from Redis or the network, classified. An error reply whose first word is not in the table is `fatal`: the
/// command was wrong.
package struct RedisError: ClassifiedError, Hashable {
  package var code: String
  package var errorClass: ErrorClass
  /// The operation that failed: `connect`, or the name of the command.
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
    // The server is starting, failing over, full, or busy with a script.
    "LOADING": .transient, "BUSY": .transient, "TRYAGAIN": .transient, "CLUSTERDOWN": .transient,
    "MASTERDOWN": .transient, "READONLY": .transient, "OOM": .transient, "MISCONF": .transient,
    "NOREPLICAS": .transient, "UNBLOCKED": .transient,
    // Wrong credentials, the wrong server, or keys of another application.
    "NOAUTH": .configuration, "WRONGPASS": .configuration, "NOPERM": .configuration, "DENIED": .configuration,
    "WRONGTYPE": .configuration, "MOVED": .configuration, "ASK": .configuration, "CROSSSLOT": .configuration,
    // The answer to EVALSHA of an unknown script; the caller then sends the script.
    "NOSCRIPT": .fatal,
  ]

  /// - Parameter text: the error reply. Only its first word and, for the well-known ones, its sentence are kept.
  static func reply(_ text: String, to operation: String) -> RedisError {
    let word = String(text.prefix { $0 != " " })
    if let known = table[word] {
      return RedisError(code: "redis_\(word.lowercased())", known, operation: operation, message: text)
    }
    if let known = timeSeries(text, operation) ?? module(text, operation) { return known }
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

  /// Errors of Search and JSON, and of a server without them. Their sentences may quote arguments.
  private static func module(_ text: String, _ operation: String) -> RedisError? {
    let known: (String, ErrorClass, String)
    if text.hasPrefix("ERR unknown command") {
      known = ("redis_unknown_command", .configuration, "the server does not have this command; use Redis 8, or "
        + "Redis Stack 7.4")
    } else if text.hasSuffix(": no such index") || text.lowercased().contains("unknown index name") {
      known = ("redis_no_index", .configuration, "there is no such index")
    } else if text.contains("Index already exists") {
      known = ("redis_index_exists", .configuration, "the index is there already")
    } else if text.contains("Alias already exists") {
      known = ("redis_alias_exists", .configuration, "the alias is there already")
    } else if text.contains("Existing key has wrong Redis type") {
      known = ("redis_wrongtype", .configuration, "the key holds something else")
    } else if operation == "JSON.SET" {
      known = ("redis_json_refused", .data, "the server does not take this JSON")
    } else {
      return nil
    }
    return RedisError(code: known.0, known.1, operation: operation, message: known.2)
  }

  /// Errors of RedisTimeSeries, which the commands that write many samples give for each sample.
  private static func timeSeries(_ text: String, _ operation: String) -> RedisError? {
    let known: (String, ErrorClass)
    if text.hasPrefix("ERR WRONGTYPE") {
      known = ("redis_wrongtype", .configuration)
    } else if !text.hasPrefix("ERR TSDB:") && !text.hasPrefix("TSDB:") {
      return nil
    } else if text.contains("older than retention") {
      known = ("redis_outside_retention", .data)
    } else if text.contains("not a TSDB key") || text.contains("does not exist") {
      known = ("redis_no_series", .configuration)
    } else if text.contains("already exists") {
      known = ("redis_key_exists", .configuration)
    } else {
      known = ("redis_sample_refused", .data)
    }
    return RedisError(code: known.0, known.1, operation: operation, message: text)
  }
}
