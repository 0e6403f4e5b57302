import CXML2

/// An element of a small XML document, read by libxml2.
package struct XMLElement {
  /// Without a prefix.
  package var name: String
  /// All text within, entities resolved.
  package var text: String
  package var children: [XMLElement] = []

  package func child(_ name: String) -> XMLElement? { children.first { $0.name == name } }

  /// The text of the first child of this name.
  package subscript(_ name: String) -> String? { child(name)?.text }

  /// The outermost element of a document. Nothing is loaded from anywhere, and a document type, which could define
  /// entities, is refused.
  /// - Returns: nil when the bytes are no well-formed XML.
  package init?(document bytes: [UInt8]) {
    guard !bytes.isEmpty, let size = Int32(exactly: bytes.count) else { return nil }
    _ = HTMLDocument.library
    let options = XML_PARSE_NONET.rawValue | XML_PARSE_NOERROR.rawValue | XML_PARSE_NOWARNING.rawValue
    let document = bytes.withUnsafeBytes { buffer in
      xmlReadMemory(buffer.baseAddress?.assumingMemoryBound(to: CChar.self), size, nil, nil, Int32(options))
    }
    guard let document else { return nil }
    defer { xmlFreeDoc(document) }
    guard xmlGetIntSubset(document) == nil, let root = xmlDocGetRootElement(document) else { return nil }
    self.init(root)
  }

  private init(_ node: xmlNodePtr) {
    name = String(cString: node.pointee.name)
    let content = xmlNodeGetContent(node)
    text = content.map { String(cString: $0) } ?? ""
    xml_free(content)
    var next = xmlFirstElementChild(node)
    while let child = next {
      children.append(XMLElement(child))
      next = xmlNextElementSibling(child)
    }
  }
}
