import CXML2
import Runtime

/// A page as browsers would understand it: read with libxml2's HTML parser, which closes what authors left open.
///
/// Nothing is loaded from anywhere, and HTML has no entities to define, so none are expanded beyond its own fixed
/// table. A document is used by one task at a time; what is to travel is copied out as strings.
package final class HTMLDocument {
  package struct Limits: Hashable, Sendable {
    /// A page with more bytes is refused.
    package var maxBytes = 32 << 20
    /// Results of one query.
    package var maxNodes = 1_000_000

    package init(maxBytes: Int = 32 << 20, maxNodes: Int = 1_000_000) {
      self.maxBytes = maxBytes
      self.maxNodes = maxNodes
    }
  }

  private let document: htmlDocPtr
  private let context: xmlXPathContextPtr
  private let limits: Limits

  /// - Parameter bytes: UTF-8 (with or without mark); the page's own declaration is not asked.
  /// - Throws: `HTMLError`.
  package init(_ bytes: [UInt8], limits: Limits = Limits()) throws(HTMLError) {
    guard bytes.count <= limits.maxBytes, bytes.count < Int(Int32.max) else {
      throw HTMLError(.tooLarge, "the page has \(bytes.count) bytes, the limit is \(limits.maxBytes)")
    }
    guard bytes.contains(where: { $0 > 0x20 }) else { throw HTMLError(.empty, "the page is empty") }
    HTMLLibrary.start()
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
    self.limits = limits
  }

  deinit {
    xmlXPathFreeContext(context)
    xmlFreeDoc(document)
  }

  /// The nodes that an XPath 1.0 expression selects, in document order: `//table[@id='files']//tr`,
  /// `//a/@href`. Element and attribute names are lower case, however the page writes them.
  /// - Throws: `HTMLError(.badPath)` for an expression that is none or selects no nodes by its kind (a number).
  package func select(_ path: String) throws(HTMLError) -> [HTMLNode] {
    try select(path, from: UnsafeMutablePointer(mutating: UnsafePointer(xmlDocGetRootElement(document))))
  }

  /// The first of them.
  package func first(_ path: String) throws(HTMLError) -> HTMLNode? { try select(path).first }

  func select(_ path: String, from node: xmlNodePtr?) throws(HTMLError) -> [HTMLNode] {
    guard let node else { return [] }
    context.pointee.node = node
    guard let result = xmlXPathEvalExpression(path, context) else {
      throw HTMLError(.badPath, "'\(path)' is no path")
    }
    defer { xmlXPathFreeObject(result) }
    guard result.pointee.type == XPATH_NODESET else { throw HTMLError(.badPath, "'\(path)' selects no nodes") }
    guard let set = result.pointee.nodesetval, let table = set.pointee.nodeTab else { return [] }
    guard set.pointee.nodeNr <= limits.maxNodes else {
      throw HTMLError(.tooLarge, "'\(path)' selects \(set.pointee.nodeNr) nodes, the limit is \(limits.maxNodes)")
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

  /// Whether the page asks for a password: a login in the place of what was wanted.
  package var isLogin: Bool {
    let password = "translate(@type, 'PASWORD', 'pasword')='password'"
    return (try? first("//input[\(password)]")) != nil
  }
}
