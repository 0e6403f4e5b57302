/// A text without what only points elsewhere: links, handles, the names of communities, quoted lines. Emoji stand
/// alone, so that `$AAPL🚀` is a cashtag and an emoji.
package enum PlainText {
  /// What is scored and searched for companies.
  package static func of(_ text: String) -> String { cleaned(text, keepsMarks: true) }

  /// What copies have in common: without emoji and cashtags, too, which people add.
  package static func forCopies(_ text: String) -> String { cleaned(text, keepsMarks: false) }

  private static func cleaned(_ text: String, keepsMarks: Bool) -> String {
    let bytes = Array(text.utf8)
    guard bytes.contains(where: { isSuspect($0, keepsMarks) }) else { return text }
    var kept: [UInt8] = []
    kept.reserveCapacity(bytes.count + 8)
    var index = 0
    while index < bytes.count {
      let isStart = index == 0 || !TextWords.isLetter(bytes[index - 1]) && !TextWords.isDigit(bytes[index - 1])
      if isStart, let end = endOfReference(bytes, index, keepsMarks) {
        kept.append(0x20)
        index = end
        continue
      }
      let length = emojiLength(bytes, index)
      guard length > 0 else {
        kept.append(bytes[index])
        index += 1
        continue
      }
      if keepsMarks, !isModifier(bytes, index, length) {
        kept.append(0x20)
        kept += bytes[index..<index + length]
        kept.append(0x20)
      } else if !keepsMarks {
        kept.append(0x20)
      }
      index += length
    }
    return String(decoding: kept, as: UTF8.self)
  }

  /// Every mark of something that is left out has one of these.
  @inline(__always)
  private static func isSuspect(_ byte: UInt8, _ keepsMarks: Bool) -> Bool {
    byte == 0xf0 || byte == 0xe2 || byte == 0xef || byte == UInt8(ascii: "@") || byte == UInt8(ascii: "/")
      || byte == UInt8(ascii: ">") || !keepsMarks && byte == UInt8(ascii: "$")
  }

  /// - Returns: where a link, a handle, a community, a quoted line or, for copies, a cashtag ends that begins here.
  private static func endOfReference(_ bytes: [UInt8], _ index: Int, _ keepsMarks: Bool) -> Int? {
    func starts(_ word: StaticString) -> Bool {
      bytes.count - index >= word.utf8CodeUnitCount
        && (0..<word.utf8CodeUnitCount).allSatisfy { bytes[index + $0] | 0x20 == word.utf8Start[$0] | 0x20 }
    }
    func end(of from: Int, while isPart: (UInt8) -> Bool) -> Int {
      var end = from
      while end < bytes.count, isPart(bytes[end]) { end += 1 }
      return end
    }
    func isName(_ byte: UInt8) -> Bool {
      byte < 0x80 && TextWords.isLetter(byte) || TextWords.isDigit(byte) || byte == UInt8(ascii: "_")
    }
    switch bytes[index] {
    case UInt8(ascii: "h"), UInt8(ascii: "H"), UInt8(ascii: "w"), UInt8(ascii: "W"):
      guard starts("http://") || starts("https://") || starts("www.") else { return nil }
      return end(of: index) { $0 > 0x20 && !")]>\"".utf8.contains($0) }
    case UInt8(ascii: "@"):
      let last = end(of: index + 1, while: isName)
      return last > index + 1 ? last : nil
    case UInt8(ascii: "/"), UInt8(ascii: "u"), UInt8(ascii: "r"):
      let first = bytes[index] == UInt8(ascii: "/") ? index + 1 : index
      guard index == 0 || bytes[index - 1] <= 0x20, first + 1 < bytes.count,
        bytes[first] == UInt8(ascii: "u") || bytes[first] == UInt8(ascii: "r"), bytes[first + 1] == UInt8(ascii: "/")
      else { return nil }
      let last = end(of: first + 2, while: isName)
      return last > first + 4 ? last : nil
    case UInt8(ascii: ">"):
      guard index == 0 || bytes[index - 1] == 0x0a else { return nil }
      return end(of: index) { $0 != 0x0a }
    case UInt8(ascii: "$") where !keepsMarks:
      let last = end(of: index + 1) { isName($0) || $0 == UInt8(ascii: ".") }
      return last > index + 1 && TextWords.isLetter(bytes[index + 1]) ? last : nil
    default: return nil
    }
  }

  /// How many bytes the emoji, or the part of one, at `index` has; 0 for another character.
  @inline(__always)
  private static func emojiLength(_ bytes: [UInt8], _ index: Int) -> Int {
    switch bytes[index] {
    // U+1F000 to U+1FFFF.
    case 0xf0: return index + 3 < bytes.count && bytes[index + 1] == 0x9f ? 4 : 0
    case 0xe2:
      guard index + 2 < bytes.count else { return 0 }
      // U+2600 to U+27BF, U+2B00 to U+2BFF; the joiner U+200D.
      let second = bytes[index + 1]
      if (0x98...0x9e).contains(second) || second == 0xac || second == 0xad { return 3 }
      return second == 0x80 && bytes[index + 2] == 0x8d ? 3 : 0
    // The variation selector U+FE0F.
    case 0xef:
      return index + 2 < bytes.count && bytes[index + 1] == 0xb8 && bytes[index + 2] == 0x8f ? 3 : 0
    default: return 0
    }
  }

  /// A selector, a joiner or the tone of a skin: no emoji of its own.
  private static func isModifier(_ bytes: [UInt8], _ index: Int, _ length: Int) -> Bool {
    if length == 4 { return bytes[index + 2] == 0x8f && (0xbb...0xbf).contains(bytes[index + 3]) }
    return bytes[index] == 0xef || bytes[index + 1] == 0x80
  }
}
