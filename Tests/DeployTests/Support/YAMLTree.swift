import Foundation
import Yams

/// A YAML document with anchors and merge keys resolved. Scalars are their text.
indirect enum YAMLTree: Hashable, Sendable {
  case mapping([String: YAMLTree])
  case sequence([YAMLTree])
  case text(String)
  case null

  static func document(_ text: String) throws -> YAMLTree { YAMLTree(try load(yaml: text)) }

  private init(_ value: Any?) {
    switch value {
    case let mapping as [AnyHashable: Any]:
      self = .mapping(Dictionary(uniqueKeysWithValues: mapping.map { ("\($0.key)", YAMLTree($0.value)) }))
    case let sequence as [Any]: self = .sequence(sequence.map { YAMLTree($0) })
    case let text as String: self = .text(text)
    case nil: self = .null
    case let value?: self = "\(value)" == "<null>" || value is NSNull ? .null : .text("\(value)")
    }
  }

  /// `tree["spec", "template"]`; `.null` where there is nothing.
  subscript(_ path: String...) -> YAMLTree {
    path.reduce(self) { tree, key in
      if case .mapping(let mapping) = tree { return mapping[key] ?? .null }
      return .null
    }
  }

  var text: String? { if case .text(let text) = self { text } else { nil } }
  var items: [YAMLTree] { if case .sequence(let items) = self { items } else { [] } }
  var fields: [String: YAMLTree] { if case .mapping(let fields) = self { fields } else { [:] } }
  var texts: [String] { items.compactMap(\.text) }
  var isNull: Bool { self == .null }

  /// The item of a list of named things.
  func item(named name: String) -> YAMLTree { items.first { $0["name"].text == name } ?? .null }
}
