/// A Lua script that Redis runs as one step: nobody else's command comes between its own.
package struct RedisScript: Hashable, Sendable {
  package var text: String

  package init(_ text: String) { self.text = text }

  /// - Parameters:
  ///   - keys: every key it touches, as `KEYS`.
  ///   - arguments: as `ARGV`.
  func command(_ name: String, _ body: String, keys: [String], arguments: [String]) -> RedisCommand {
    RedisCommand(name, ([body, "\(keys.count)"] + keys + arguments).map { Array($0.utf8) })
  }
}
