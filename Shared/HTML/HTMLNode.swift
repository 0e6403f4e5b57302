import CXML2
import Runtime

/// An element, attribute or text of a page; keeps the page alive.
package struct HTMLNode {
  let document: HTMLDocument
  let node: xmlNodePtr

  /// Lower case; `text` for text.
  package var name: String { node.pointee.name.map { String(cString: $0) } ?? "" }

  /// All text within, in order, with runs of white space (no-break spaces too) as one space and none at the ends;
  /// for an attribute its value.
  package var text: String { Self.collapsed(rawText) }

  /// All text within, as written.
  package var rawText: String {
    guard let content = xmlNodeGetContent(node) else { return "" }
    defer { xml_free(content) }
    return String(cString: content)
  }

  /// The attribute's value with its entities resolved (`&amp;` is `&`); nil when the element has none.
  package func attribute(_ name: String) -> String? {
    guard node.pointee.type == XML_ELEMENT_NODE, let value = xmlGetProp(node, name) else { return nil }
    defer { xml_free(value) }
    return String(cString: value)
  }

  /// The nodes that a path relative to this one selects: `td[2]/a`, `.//a[@href]`.
  package func select(_ path: String) throws(HTMLError) -> [HTMLNode] { try document.select(path, from: node) }

  package func first(_ path: String) throws(HTMLError) -> HTMLNode? { try select(path).first }

  private static func collapsed(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    var pending = false
    for scalar in text.unicodeScalars {
      if scalar.properties.isWhitespace {
        pending = !result.isEmpty
      } else {
        if pending { result.append(" ") }
        pending = false
        result.append(scalar)
      }
    }
    return String(result)
  }
}
