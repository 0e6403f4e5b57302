import Core

/// Markup, escaped where it is made: a literal and whatever is interpolated into it are text, and markup comes only
/// from ``tag(_:_:_:)``.
struct HTML: Sendable, ExpressibleByStringInterpolation {
  private(set) var markup: String

  private init(markup: String) { self.markup = markup }

  /// Text.
  init(stringLiteral text: String) { self = .text(text) }
  init(stringInterpolation text: DefaultStringInterpolation) { self = .text(String(stringInterpolation: text)) }

  static let nothing = HTML(markup: "")

  static func text(_ text: String) -> HTML {
    var markup = ""
    markup.reserveCapacity(text.utf8.count + 16)
    Self.escape(text, into: &markup)
    return HTML(markup: markup)
  }

  /// Text of data, whose script decides its direction: a Hebrew name reads from the right, and moves nothing beside it.
  static func name(_ text: String) -> HTML { tag("bdi", [], .text(text)) }

  static func all(_ parts: some Sequence<HTML>) -> HTML { HTML(markup: parts.map(\.markup).joined()) }

  /// - Parameters:
  ///   - name: of an element whose content is markup: no script and no style.
  ///   - attributes: nil for one that is left out.
  static func tag(_ name: StaticString, _ attributes: [Attribute?] = [], _ children: HTML...) -> HTML {
    tag(name, attributes, all: children)
  }

  static func tag(_ name: StaticString, _ attributes: [Attribute?], all children: [HTML]) -> HTML {
    var markup = "<\(name)"
    for case let attribute? in attributes {
      markup += " \(attribute.name)"
      guard !attribute.value.isEmpty else { continue }
      markup += "=\""
      escape(attribute.value, into: &markup)
      markup += "\""
    }
    markup += ">"
    if Self.voids.contains("\(name)") { return HTML(markup: markup) }
    for child in children { markup += child.markup }
    return HTML(markup: markup + "</\(name)>")
  }

  /// Elements without content and without an end tag (WHATWG HTML, section 13.1.2).
  private static let voids: Set<String> = ["br", "hr", "input", "link", "meta"]

  /// A whole document.
  var document: [UInt8] { Array("<!doctype html>\n\(markup)\n".utf8) }

  private static func escape(_ text: String, into markup: inout String) {
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": markup += "&amp;"
      case "<": markup += "&lt;"
      case ">": markup += "&gt;"
      case "\"": markup += "&quot;"
      case "'": markup += "&#39;"
      // Characters that HTML and XML have not.
      case "\u{0}"..."\u{8}", "\u{b}", "\u{c}", "\u{e}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{fffe}", "\u{ffff}":
        markup.unicodeScalars.append("\u{fffd}")
      default: markup.unicodeScalars.append(scalar)
      }
    }
  }
}

extension HTML {
  /// One attribute of a tag. An address is a ``Link``: nothing that data says becomes one.
  struct Attribute: Sendable {
    let name: String
    let value: String

    private init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }

    /// - Parameter name: of an attribute that is neither an address nor a script nor a style.
    static func named(_ name: StaticString, _ value: String = "") -> Attribute {
      precondition(
        !["href", "src", "action", "formaction", "style", "srcdoc"].contains("\(name)") && !"\(name)".hasPrefix("on"),
        "an address is a Link, and the policy of the pages forbids styles and scripts in them")
      return Attribute("\(name)", value)
    }

    /// - Returns: nil when it does not hold.
    static func flag(_ name: StaticString, _ holds: Bool) -> Attribute? { holds ? named(name) : nil }
    static func `class`(_ names: String) -> Attribute { Attribute("class", names) }
    static func id(_ id: String) -> Attribute { Attribute("id", id) }
    static func number(_ name: StaticString, _ value: Double) -> Attribute { named(name, Plot.number(value)) }
    static func href(_ link: Link) -> Attribute { Attribute("href", link.address) }
    static func src(_ link: Link) -> Attribute { Attribute("src", link.address) }
    static func action(_ link: Link) -> Attribute { Attribute("action", link.address) }
  }
}

/// An address that a page may lead to: a view of the board, or a public one that begins with http or https.
struct Link: Hashable, Sendable {
  let address: String

  /// A view of the board.
  /// - Parameters:
  ///   - path: its words, each escaped: `["topics", name]`.
  ///   - query: without those that are nil or empty.
  ///   - suffix: behind the root, where there are no words.
  init(_ path: [String], _ query: [(name: String, value: String?)] = [], suffix: String = "") {
    let words = [Board.root, suffix] + path.map { "/" + PercentEncoding.encode($0) }
    let pairs = query.compactMap { name, value -> String? in
      guard let value, !value.isEmpty else { return nil }
      return "\(PercentEncoding.encode(name))=\(PercentEncoding.encode(value))"
    }
    address = words.joined() + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
  }

  /// A place on the same page.
  init(anchor: String) { address = "#\(anchor)" }

  /// - Returns: nil for any other scheme: `javascript:` in an article's address leads nowhere.
  init?(external address: String) {
    let lower = address.lowercased()
    guard lower.hasPrefix("https://") || lower.hasPrefix("http://"), !address.utf8.contains(where: { $0 <= 0x20 })
    else { return nil }
    self.address = address
  }

  func html(_ text: HTML, _ attributes: HTML.Attribute?...) -> HTML {
    .tag("a", [.href(self)] + attributes, text)
  }
}
