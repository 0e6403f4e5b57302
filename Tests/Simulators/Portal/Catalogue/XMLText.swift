/// A growing XML document: elements, one to a line, indented by two blanks a level.
struct XMLText {
  private(set) var bytes: [UInt8] = []
  private let newline: String
  /// Whether quotes inside text are written as entities too; chains differ.
  private let quoteEntities: Bool
  private var depth = 0

  init(_ chain: ChainProfile, capacity: Int) {
    newline = chain.carriageReturns ? "\r\n" : "\n"
    quoteEntities = chain.dialect == .e
    bytes.reserveCapacity(capacity)
    if chain.byteOrderMark { bytes += [0xef, 0xbb, 0xbf] }
  }

  mutating func open(_ tag: String, attributes: String = "") {
    line("<\(tag)\(attributes)>")
    depth += 1
  }

  mutating func close(_ tag: String) {
    depth -= 1
    line("</\(tag)>")
  }

  mutating func element(_ tag: String, _ value: String) {
    guard !value.isEmpty else { return line("<\(tag) />") }
    line("<\(tag)>\(escaped(value))</\(tag)>")
  }

  private mutating func line(_ text: String) {
    bytes.append(contentsOf: repeatElement(0x20, count: depth * 2))
    bytes.append(contentsOf: text.utf8)
    bytes.append(contentsOf: newline.utf8)
  }

  private func escaped(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == 0x26 || $0 == 0x3c || $0 == 0x3e || $0 == 0x22 || $0 == 0x27 }) else {
      return text
    }
    var out = ""
    for character in text {
      switch character {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"" where quoteEntities: out += "&quot;"
      case "'" where quoteEntities: out += "&apos;"
      default: out.append(character)
      }
    }
    return out
  }
}
