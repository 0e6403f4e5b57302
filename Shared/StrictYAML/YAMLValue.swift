import Core
import Yams

/// A YAML value with its line, independent of Yams' classes, so that it can be kept and shared.
package struct YAMLValue: Hashable, Sendable {
  package indirect enum Content: Hashable, Sendable {
    case null
    case text(String)
    case list([YAMLValue])
    /// In the order of the file, with distinct keys.
    case mapping([Entry])
  }

  package struct Entry: Hashable, Sendable {
    package var key: String
    package var line: Int
    package var value: YAMLValue
  }

  package var content: Content
  /// Counted from 1.
  package var line: Int

  package init(_ content: Content, line: Int) {
    self.content = content
    self.line = line
  }

  /// - Parameter origin: the file's path, or a name of the text for errors.
  /// - Returns: nil for an empty text.
  /// - Throws: a configuration `Failure` for a text that is not YAML.
  package static func read(yaml: String, origin: String) throws(Failure) -> YAMLValue? {
    let root: Node?
    do {
      root = try compose(yaml: yaml)
    } catch {
      throw Failure(.configuration, code: "bad_catalogue", "\(origin): it is not YAML: \(error)")
    }
    guard let root else { return nil }
    return try YAMLValue(root, origin: origin, line: 1, depth: 0)
  }

  private init(_ node: Node, origin: String, line: Int, depth: Int) throws(Failure) {
    let line = node.mark?.line ?? line
    // Aliases let a small text describe an endless value.
    guard depth < 32 else {
      throw Failure(.configuration, code: "bad_catalogue", "\(origin), line \(line): nested more than 32 deep")
    }
    if let scalar = node.scalar {
      self.init(node.null != nil && scalar.style == .plain ? .null : .text(scalar.string), line: line)
    } else if let sequence = node.sequence {
      var items: [YAMLValue] = []
      for item in sequence { items.append(try YAMLValue(item, origin: origin, line: line, depth: depth + 1)) }
      self.init(.list(items), line: line)
    } else {
      var entries: [Entry] = []
      for (key, value) in node.mapping ?? [:] {
        guard let name = key.scalar?.string else {
          throw Failure(.configuration, code: "bad_catalogue", "\(origin), line \(line): a key that is no name")
        }
        let keyLine = key.mark?.line ?? line
        let read = try YAMLValue(value, origin: origin, line: keyLine, depth: depth + 1)
        entries.append(Entry(key: name, line: keyLine, value: read))
      }
      self.init(.mapping(entries), line: line)
    }
  }

  package var isNull: Bool { content == .null }

  /// Nil for a list, a mapping or null.
  package var text: String? {
    guard case .text(let text) = content else { return nil }
    return text
  }

  package var list: [YAMLValue]? {
    guard case .list(let items) = content else { return nil }
    return items
  }

  package var mapping: [Entry]? {
    guard case .mapping(let entries) = content else { return nil }
    return entries
  }
}
