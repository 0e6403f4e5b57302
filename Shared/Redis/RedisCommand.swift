/// A command and its arguments as bytes, never quoted or interpreted.
package struct RedisCommand: Hashable, Sendable {
  package var words: [[UInt8]]

  package init(_ name: String, _ arguments: String...) {
    words = [Array(name.utf8)] + arguments.map { Array($0.utf8) }
  }

  package init(_ name: String, _ arguments: [[UInt8]]) {
    words = [Array(name.utf8)] + arguments
  }

  /// The name for errors.
  var name: String { String(decoding: words[0], as: UTF8.self).uppercased() }
}

/// A Lua script, which Redis runs atomically.
package struct RedisScript: Hashable, Sendable {
  package var text: String

  package init(_ text: String) { self.text = text }

  /// Runs the script by its text. The parameters are those of `command`.
  package func evaluated(keys: [String], arguments: [String]) -> RedisCommand {
    command("EVAL", text, keys: keys, arguments: arguments)
  }

  /// - Parameters:
  ///   - keys: every key that the script uses, as `KEYS`.
  ///   - arguments: as `ARGV`.
  func command(_ name: String, _ body: String, keys: [String], arguments: [String]) -> RedisCommand {
    RedisCommand(name, ([body, "\(keys.count)"] + keys + arguments).map { Array($0.utf8) })
  }
}
