import Core
import CXML2

/// An HTML page, parsed by libxml2, which closes unclosed elements as browsers do.
///
/// The parser loads nothing, and HTML cannot define entities, so only its own fixed table is expanded. A document is
/// for one task at a time; to share results, copy strings out.
package final class HTMLDocument {
  /// libxml2's process-wide state, set up before its first use by any thread.
  static let library: Void = xmlInitParser()

  private let document: htmlDocPtr
  private let context: xmlXPathContextPtr
  private let maxNodes: Int

  /// - Parameters:
  ///   - bytes: UTF-8, with or without a byte order mark; the page's own charset declaration is ignored.
  ///   - maxBytes: a page with more bytes is refused.
  ///   - maxNodes: most results of one query.
  /// - Throws: `HTMLError`.
  package init(_ bytes: [UInt8], maxBytes: Int = 32 << 20, maxNodes: Int = 1_000_000) throws(HTMLError) {
    guard bytes.count <= maxBytes, bytes.count < Int(Int32.max) else {
      throw HTMLError(.tooLarge, "the page has \(bytes.count) bytes, the limit is \(maxBytes)")
    }
    guard bytes.contains(where: { $0 > 0x20 }) else { throw HTMLError(.empty, "the page is empty") }
    _ = Self.library
    let options = HTML_PARSE_RECOVER.rawValue | HTML_PARSE_NOERROR.rawValue | HTML_PARSE_NOWARNING.rawValue
      | HTML_PARSE_NONET.rawValue | HTML_PARSE_COMPACT.rawValue | HTML_PARSE_IGNORE_ENC.rawValue
    let parsed = bytes.withUnsafeBytes { buffer in
      htmlReadMemory(
        buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(buffer.count), nil, "UTF-8", Int32(options))
    }
    guard let parsed else { throw HTMLError(.unreadable, "the page cannot be read as HTML") }
    guard let context = xmlXPathNewContext(parsed) else {
      xmlFreeDoc(parsed)
      throw HTMLError(.unreadable, "libxml2 is out of memory")
    }
    xml_silence(context)
    document = parsed
    self.context = context
    self.maxNodes = maxNodes
  }

  deinit {
    xmlXPathFreeContext(context)
    xmlFreeDoc(document)
  }

  /// The nodes that an XPath 1.0 expression selects, in document order: `//table[@id='files']//tr`,
  /// `//a/@href`. Element and attribute names are lower case, however the page writes them.
  /// - Throws: `HTMLError(.badPath)` for an invalid expression, or one whose result is not a set of nodes (a number).
  package func select(_ path: String) throws(HTMLError) -> [HTMLNode] {
    try select(path, from: UnsafeMutablePointer(mutating: UnsafePointer(xmlDocGetRootElement(document))))
  }

  /// The first node that the expression selects.
  package func first(_ path: String) throws(HTMLError) -> HTMLNode? { try select(path).first }

  func select(_ path: String, from node: xmlNodePtr?) throws(HTMLError) -> [HTMLNode] {
    guard let node else { return [] }
    context.pointee.node = node
    guard let result = xmlXPathEvalExpression(path, context) else {
      throw HTMLError(.badPath, "'\(path)' is not an XPath expression")
    }
    defer { xmlXPathFreeObject(result) }
    guard result.pointee.type == XPATH_NODESET else { throw HTMLError(.badPath, "'\(path)' does not select nodes") }
    guard let set = result.pointee.nodesetval, let table = set.pointee.nodeTab else { return [] }
    guard set.pointee.nodeNr <= maxNodes else {
      throw HTMLError(.tooLarge, "'\(path)' selects \(set.pointee.nodeNr) nodes, the limit is \(maxNodes)")
    }
    return (0..<Int(set.pointee.nodeNr)).compactMap { index in
      table[index].map { HTMLNode(document: self, node: $0) }
    }
  }

  /// The text of `<title>`, trimmed; for error messages.
  package var title: String? {
    guard let text = try? first("//title")?.text, !text.isEmpty else { return nil }
    return String(text.prefix(80))
  }

  /// True when the page has a password field: a login page instead of the expected one.
  package var isLogin: Bool {
    let password = "translate(@type, 'PASWORD', 'pasword')='password'"
    return (try? first("//input[\(password)]")) != nil
  }
}

/// An element, attribute or text of a page; keeps the page alive.
package struct HTMLNode {
  let document: HTMLDocument
  let node: xmlNodePtr

  /// Lower case; `text` for text.
  package var name: String { node.pointee.name.map { String(cString: $0) } ?? "" }

  /// All text inside, with runs of white space (no-break spaces too) collapsed to one space and trimmed; for an
  /// attribute its value.
  package var text: String { Self.collapsed(rawText) }

  /// All text inside, as written.
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

  /// The nodes that an expression relative to this node selects: `td[2]/a`, `.//a[@href]`.
  package func select(_ path: String) throws(HTMLError) -> [HTMLNode] { try document.select(path, from: node) }

  package func first(_ path: String) throws(HTMLError) -> HTMLNode? { try select(path).first }

  private static func collapsed(_ text: String) -> String {
    text.unicodeScalars.split { $0.properties.isWhitespace }.map { String($0) }.joined(separator: " ")
  }
}

/// A page that cannot be read. Reading the same page again fails again; a later version of it may be readable.
package typealias HTMLError = CodedError<HTMLErrorKind>

package enum HTMLErrorKind: String, ErrorKind {
  case empty = "html_empty"
  case tooLarge = "html_too_large"
  case unreadable = "html_unreadable"
  case badPath = "html_bad_path"

  package var errorClass: ErrorClass { self == .badPath ? .fatal : .data }
}

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
