/// The few XML documents that S3 answers with: flat lists of elements without attributes that matter.
///
/// A scanner over the bytes, strict about nesting and entities, that ignores elements it does not know.
struct S3Answer {
  struct Object: Equatable {
    var key = ""
    var size = 0
    var etag: String?
  }
  var code: String?
  var message: String?
  var region: String?
  var uploadID: String?
  var etag: String?
  var isTruncated = false
  var nextToken: String?
  var objects: [Object] = []
  /// The name of the outermost element.
  var root = ""

  /// - Returns: nil when the bytes are not such a document.
  init?(_ bytes: [UInt8]) {
    var scanner = XMLScanner(bytes)
    var path: [String] = []
    var text: [UInt8] = []
    while let token = scanner.next() {
      switch token {
      case .start(let name):
        if path.isEmpty {
          guard root.isEmpty else { return nil }
          root = name
        }
        if name == "Contents", path.count == 1 { objects.append(Object()) }
        path.append(name)
        text = []
      case .text(let bytes):
        text += bytes
      case .end(let name):
        guard path.popLast() == name else { return nil }
        guard let value = String(validating: text, as: UTF8.self) else { return nil }
        guard set(name, value, in: path) else { return nil }
        text = []
      case .broken:
        return nil
      }
    }
    guard path.isEmpty, !root.isEmpty else { return nil }
  }

  private mutating func set(_ name: String, _ value: String, in path: [String]) -> Bool {
    if path.count == 2, path[1] == "Contents" {
      let last = objects.count - 1
      switch name {
      case "Key": objects[last].key = value
      case "ETag": objects[last].etag = value
      case "Size":
        guard let size = Int(value), size >= 0 else { return false }
        objects[last].size = size
      default: break
      }
    } else if path.count == 1 {
      switch name {
      case "Code": code = value
      case "Message": message = value
      case "Region": region = value
      case "UploadId": uploadID = value
      case "ETag": etag = value
      case "IsTruncated": isTruncated = value == "true"
      case "NextContinuationToken": nextToken = value
      default: break
      }
    }
    return true
  }
}

/// Tokens of XML without document types, which no S3 server sends.
struct XMLScanner {
  enum Token: Equatable {
    case start(String), end(String), text([UInt8]), broken
  }
  private let bytes: [UInt8]
  private var position = 0
  /// The end that `<name/>` implies after its start.
  private var pendingEnd: String?

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func next() -> Token? {
    if let name = pendingEnd {
      pendingEnd = nil
      return .end(name)
    }
    while position < bytes.count {
      if bytes[position] != UInt8(ascii: "<") { return text() }
      if starts("<?") {
        guard skip(past: "?>") else { return .broken }
      } else if starts("<!--") {
        guard skip(past: "-->") else { return .broken }
      } else {
        return tag()
      }
    }
    return nil
  }

  private mutating func tag() -> Token {
    guard let close = bytes[position...].firstIndex(of: UInt8(ascii: ">")) else { return .broken }
    var inside = bytes[(position + 1)..<close]
    position = close + 1
    let isEnd = inside.first == UInt8(ascii: "/")
    if isEnd { inside.removeFirst() }
    let isEmpty = inside.last == UInt8(ascii: "/")
    if isEmpty { inside.removeLast() }
    let name = String(decoding: inside.prefix { $0 > 0x20 }, as: UTF8.self)
    guard let first = name.utf8.first, first != UInt8(ascii: "!") else { return .broken }
    if isEnd { return .end(name) }
    if isEmpty { pendingEnd = name }
    return .start(name)
  }

  private mutating func text() -> Token {
    let end = bytes[position...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
    var out: [UInt8] = []
    while position < end {
      let byte = bytes[position]
      guard byte == UInt8(ascii: "&") else {
        out.append(byte)
        position += 1
        continue
      }
      guard let semicolon = bytes[position..<end].firstIndex(of: UInt8(ascii: ";")),
            let character = Self.entity(String(decoding: bytes[(position + 1)..<semicolon], as: UTF8.self)) else {
        return .broken
      }
      out += Array(String(character).utf8)
      position = semicolon + 1
    }
    return .text(out)
  }

  private static func entity(_ name: String) -> Character? {
    switch name {
    case "amp": "&"
    case "lt": "<"
    case "gt": ">"
    case "quot": "\""
    case "apos": "'"
    default:
      name.dropPrefix("#x").flatMap { UInt32($0, radix: 16) }.flatMap(Unicode.Scalar.init).map(Character.init)
        ?? name.dropPrefix("#").flatMap { UInt32($0) }.flatMap(Unicode.Scalar.init).map(Character.init)
    }
  }

  private func starts(_ text: String) -> Bool { bytes[position...].starts(with: text.utf8) }

  private mutating func skip(past text: String) -> Bool {
    while position < bytes.count {
      if starts(text) {
        position += text.utf8.count
        return true
      }
      position += 1
    }
    return false
  }
}
