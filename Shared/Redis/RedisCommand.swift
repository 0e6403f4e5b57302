/// A command and its arguments as bytes; nothing in them is ever interpreted or quoted.
package struct RedisCommand: Hashable, Sendable {
  package var words: [[UInt8]]

  package init(words: [[UInt8]]) {
    precondition(!words.isEmpty, "a command has a name")
    self.words = words
  }

  package init(_ name: String, _ arguments: String...) {
    words = [Array(name.utf8)] + arguments.map { Array($0.utf8) }
  }

  package init(_ name: String, _ arguments: [[UInt8]]) {
    words = [Array(name.utf8)] + arguments
  }

  /// What errors call it.
  var name: String { String(decoding: words[0], as: UTF8.self).uppercased() }
}
