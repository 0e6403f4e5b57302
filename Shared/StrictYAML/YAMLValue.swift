import CYAML
import Core

/// A YAML value with its line.
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

  /// - Parameters:
  ///   - origin: the file's path, or a name of the text for errors.
  ///   - code: of the errors.
  /// - Returns: nil for an empty text.
  /// - Throws: a configuration `Failure` for a text that is not one document of YAML.
  package static func read(yaml: String, origin: String, code: String = "bad_catalogue") throws(Failure) -> YAMLValue? {
    let document = YAMLDocument(origin: origin, code: code)
    return yaml.isEmpty ? nil : try document.read(Array(yaml.utf8))
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

/// Reads a text by libyaml.
private struct YAMLDocument {
  let origin: String
  let code: String
  // libyaml's parser points into itself: it must not move.
  private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
  private let document = UnsafeMutablePointer<yaml_document_t>.allocate(capacity: 1)

  func read(_ text: [UInt8]) throws(Failure) -> YAMLValue? {
    defer {
      parser.deallocate()
      document.deallocate()
    }
    precondition(yaml_parser_initialize(parser) == 1, "no memory for a YAML parser")
    defer { yaml_parser_delete(parser) }
    return try text.withUnsafeBufferPointer { text throws(Failure) in
      yaml_parser_set_input_string(parser, text.baseAddress, text.count)
      yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
      let value = try next()
      if value != nil, try next() != nil { throw wrong(nil, "it is not YAML of one document: another one follows") }
      return value
    }
  }

  /// The next document of the text; nil behind the last.
  private func next() throws(Failure) -> YAMLValue? {
    guard yaml_parser_load(parser, document) == 1 else {
      let problem = parser.pointee.problem.map { String(cString: $0) } ?? "unreadable"
      throw wrong(Int(parser.pointee.problem_mark.line) + 1, "it is not YAML: \(problem)")
    }
    defer { yaml_document_delete(document) }
    return try yaml_document_get_root_node(document).map { (root) throws(Failure) in try value(root, depth: 0) }
  }

  private func value(_ node: UnsafeMutablePointer<yaml_node_t>, depth: Int) throws(Failure) -> YAMLValue {
    let line = line(of: node)
    // Aliases let a small text describe an endless value.
    guard depth < 32 else { throw wrong(line, "nested more than 32 deep") }
    let data = node.pointee.data
    switch node.pointee.type {
    case YAML_SEQUENCE_NODE:
      var items: [YAMLValue] = []
      let list = data.sequence.items
      for item in UnsafeBufferPointer(start: list.start, count: list.top - list.start) {
        items.append(try value(at: item, depth))
      }
      return YAMLValue(.list(items), line: line)
    case YAML_MAPPING_NODE:
      var entries: [YAMLValue.Entry] = []
      let pairs = data.mapping.pairs
      for pair in UnsafeBufferPointer(start: pairs.start, count: pairs.top - pairs.start) {
        guard let key = yaml_document_get_node(document, pair.key), let name = text(key) else {
          throw wrong(line, "a key that is no name")
        }
        let keyLine = self.line(of: key)
        guard !entries.contains(where: { $0.key == name }) else { throw wrong(keyLine, "a second '\(name)'") }
        entries.append(YAMLValue.Entry(key: name, line: keyLine, value: try value(at: pair.value, depth)))
      }
      return YAMLValue(.mapping(entries), line: line)
    default:
      let text = text(node) ?? ""
      let isPlain = data.scalar.style == YAML_PLAIN_SCALAR_STYLE
      let isNull = isPlain && ["", "~", "null", "Null", "NULL"].contains(text)
      return YAMLValue(isNull ? .null : .text(text), line: line)
    }
  }

  private func value(at index: Int32, _ depth: Int) throws(Failure) -> YAMLValue {
    guard let node = yaml_document_get_node(document, index) else { throw wrong(nil, "it is not YAML: a hole") }
    return try value(node, depth: depth + 1)
  }

  /// The text of a scalar; nil for anything else.
  private func text(_ node: UnsafeMutablePointer<yaml_node_t>) -> String? {
    guard node.pointee.type == YAML_SCALAR_NODE else { return nil }
    let scalar = node.pointee.data.scalar
    return String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
  }

  /// Counted from 1.
  private func line(of node: UnsafeMutablePointer<yaml_node_t>) -> Int { Int(node.pointee.start_mark.line) + 1 }

  private func wrong(_ line: Int?, _ what: String) -> Failure {
    Failure(.configuration, code: code, "\(origin)\(line.map { ", line \($0)" } ?? ""): \(what)")
  }
}
