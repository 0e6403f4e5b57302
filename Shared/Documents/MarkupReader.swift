/// HTML as it arrives, closed or not: blocks of text and rows of tables. Inline XBRL is unwrapped, its header and
/// everything that is not displayed are left out. Nothing of the markup is held but a tag that is not complete yet.
struct MarkupReader: FormReader {
  var text = DocumentText()
  /// From the tag or reference that is not complete.
  var carry: [UInt8] = []
  var isSkippingTag = false
  var isLast = false

  /// The block that is being read; in a row, all of its cells.
  var line: [UInt8] = []
  var needsSpace = false
  var bold = 0
  var linked = 0

  var boldTags = 0
  var isBlockBold = false
  /// Whether each open `span` or `font` is bold.
  var spans: [Bool] = []
  var boldSpans = 0
  var isLink = false
  var breaksPageAfter = false

  /// The element whose content is passed over, and how many of its name are open in it.
  var hidden: UInt64 = 0
  var hiddenDepth = 0

  /// Open tables, innermost last: their numbers, and whether a cell of each is open.
  var tables: [(number: Int, inCell: Bool)] = []
  var lastTable = 0

  /// A tag that is longer is passed over: its attributes hold an image.
  static let longestTag = 1 << 18
  static let cellMark: UInt8 = 0x1f
  static let lineMark: UInt8 = 0x0a

  mutating func read(_ piece: [UInt8]) {
    var bytes = piece
    if !carry.isEmpty {
      carry += piece
      bytes = carry
      carry = []
    }
    let used = bytes.withUnsafeBufferPointer { scan($0) }
    guard used < bytes.count else { return }
    if bytes.count - used > Self.longestTag {
      isSkippingTag = true
    } else {
      carry = Array(bytes[used...])
    }
  }

  mutating func finish() {
    isLast = true
    let rest = carry
    carry = []
    _ = rest.withUnsafeBufferPointer { scan($0) }
    while !tables.isEmpty { endTable() }
    endLine()
  }

  /// - Returns: how many bytes were read; those behind them are not complete.
  mutating func scan(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var at = 0
    let count = bytes.count
    if isSkippingTag {
      while at < count, bytes[at] != 0x3e { at += 1 }
      guard at < count else { return count }
      isSkippingTag = false
      at += 1
    }
    while at < count {
      let byte = bytes[at]
      if byte == 0x3c {
        guard let end = tag(bytes, at) else {
          guard isLast else { return at }
          return count
        }
        at = end
        continue
      }
      if hidden != 0 {
        at += 1
        while at < count, bytes[at] != 0x3c { at += 1 }
        continue
      }
      if Self.isPlain(byte) {
        var end = at + 1
        while end < count, Self.isPlain(bytes[end]) { end += 1 }
        put(bytes, at, end)
        at = end
      } else if byte <= 0x20 {
        needsSpace = true
        at += 1
      } else if byte == 0x26 {
        guard let end = reference(bytes, at) else { return at }
        at = end
      } else {
        guard let end = wide(bytes, at) else { return at }
        at = end
      }
    }
    return count
  }

  /// Neither white space, markup, a reference, nor the first byte of a blank that is not ASCII.
  @inline(__always)
  static func isPlain(_ byte: UInt8) -> Bool {
    byte > 0x20 && byte != 0x3c && byte != 0x26 && byte != 0xc2 && byte != 0xe2 && byte != 0xef
  }

  @inline(__always)
  mutating func put(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) {
    separate()
    line.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<end]))
    if isBold { bold += end - start }
    if isLink { linked += end - start }
  }

  @inline(__always)
  var isBold: Bool { boldTags > 0 || boldSpans > 0 || isBlockBold }

  /// Writes the blank that white space before the next character stands for.
  @inline(__always)
  mutating func separate() {
    guard needsSpace else { return }
    needsSpace = false
    if let last = line.last, last != Self.cellMark, last != Self.lineMark { line.append(0x20) }
  }

  mutating func put(_ scalar: UInt32) {
    switch scalar {
    case 0xa0, 0x2000...0x200a, 0x202f, 0x205f, 0x3000, 0...0x20: needsSpace = true
    case 0xad, 0x200b...0x200f, 0x2060, 0xfeff: break
    default:
      // What Windows' code page has there, as browsers read it.
      let value = (0x80...0x9f).contains(scalar) ? Self.windows1252[Int(scalar - 0x80)] : scalar
      guard let character = Unicode.Scalar(value) else { return }
      let utf8 = Array(String(Character(character)).utf8)
      utf8.withUnsafeBufferPointer { put($0, 0, $0.count) }
    }
  }

  /// A character that begins with 0xC2, 0xE2 or 0xEF: blanks are white space, marks without width are left out.
  mutating func wide(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int? {
    let length = bytes[at] == 0xc2 ? 2 : 3
    guard at + length <= bytes.count else {
      guard isLast else { return nil }
      put(bytes, at, bytes.count)
      return bytes.count
    }
    let (second, third) = (bytes[at + 1], length == 3 ? bytes[at + 2] : 0)
    guard second & 0xc0 == 0x80, length == 2 || third & 0xc0 == 0x80 else {
      // Not UTF-8: a character of Windows' code page.
      put(Self.latin(bytes[at]))
      return at + 1
    }
    let scalar = length == 2
      ? UInt32(bytes[at] & 0x1f) << 6 | UInt32(second & 0x3f)
      : UInt32(bytes[at] & 0x0f) << 12 | UInt32(second & 0x3f) << 6 | UInt32(third & 0x3f)
    switch scalar {
    case 0xa0, 0xad, 0x2000...0x200f, 0x202f, 0x205f, 0x2060, 0xfeff: put(scalar)
    default: put(bytes, at, at + length)
    }
    return at + length
  }

  static func latin(_ byte: UInt8) -> UInt32 {
    (0x80...0x9f).contains(byte) ? windows1252[Int(byte - 0x80)] : UInt32(byte)
  }

  static let windows1252: [UInt32] = [
    0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d,
    0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d,
    0x17e, 0x178,
  ]

  static let named: [String: UInt32] = [
    "amp": 0x26, "lt": 0x3c, "gt": 0x3e, "quot": 0x22, "apos": 0x27, "nbsp": 0xa0, "ensp": 0x2002, "emsp": 0x2003,
    "thinsp": 0x2009, "shy": 0xad, "zwnj": 0x200c, "lsquo": 0x2018, "rsquo": 0x2019, "ldquo": 0x201c,
    "rdquo": 0x201d, "sbquo": 0x201a, "bdquo": 0x201e, "ndash": 0x2013, "mdash": 0x2014, "bull": 0x2022,
    "middot": 0xb7, "hellip": 0x2026, "sect": 0xa7, "para": 0xb6, "reg": 0xae, "copy": 0xa9, "trade": 0x2122,
    "cent": 0xa2, "pound": 0xa3, "euro": 0x20ac, "yen": 0xa5, "deg": 0xb0, "plusmn": 0xb1, "frac12": 0xbd,
    "frac14": 0xbc, "frac34": 0xbe, "eacute": 0xe9, "dagger": 0x2020, "Dagger": 0x2021, "times": 0xd7,
    "minus": 0x2212, "le": 0x2264, "ge": 0x2265, "ne": 0x2260, "uuml": 0xfc, "ouml": 0xf6, "auml": 0xe4,
  ]

  /// A character reference; what is none is text.
  mutating func reference(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int? {
    var end = at + 1
    while end < bytes.count, end - at <= 10, Self.isName(bytes[end]) || bytes[end] == 0x23 { end += 1 }
    guard end < bytes.count || isLast || end - at > 10 else { return nil }
    let name = UnsafeBufferPointer(rebasing: bytes[(at + 1)..<end])
    var scalar: UInt32?
    if name.first == 0x23 {
      let isHex = name.count > 1 && name[1] | 0x20 == 0x78
      let digits = String(decoding: name.dropFirst(isHex ? 2 : 1), as: UTF8.self)
      scalar = UInt32(digits, radix: isHex ? 16 : 10)
    } else if !name.isEmpty {
      scalar = Self.named[String(decoding: name, as: UTF8.self)]
    }
    guard let scalar else {
      put(bytes, at, at + 1)
      return at + 1
    }
    put(scalar)
    return end < bytes.count && bytes[end] == 0x3b ? end + 1 : end
  }

  @inline(__always)
  static func isName(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10
  }
}
