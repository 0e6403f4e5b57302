import Foundation

/// Cuts a text into words and punctuation marks as BERT's uncased models do (Devlin et al. 2018, `BasicTokenizer`):
/// control characters are left out, accents stripped, letters made small; every punctuation mark and every Chinese
/// character is a word of its own.
enum BasicWords {
  typealias Word = UnsafeBufferPointer<UInt8>

  /// Calls `body` with each word in UTF-8, which is valid during the call, and whether it is a punctuation mark.
  @inline(__always)
  static func forEach(of text: RawSpan, _ body: (Word, _ isMark: Bool) -> Void) {
    let kinds = Self.kinds
    text.withUnsafeBytes { bytes in
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: mostInPlace) { small in
        var start = 0
        while start < bytes.count {
          var (end, kind) = (start, kinds[Int(bytes[start])])
          switch kind {
          case .blank:
            start += 1
            continue
          case .mark:
            body(Word(rebasing: bytes.bindMemory(to: UInt8.self)[start...start]), true)
            start += 1
            continue
          default: break
          }
          var isPlain = true
          repeat {
            isPlain = isPlain && kind == .plain
            end += 1
            kind = end < bytes.count ? kinds[Int(bytes[end])] : .blank
          } while kind.rawValue <= Kind.dropped.rawValue
          if kind == .other || end - start > mostInPlace {
            while end < bytes.count, kinds[Int(bytes[end])].rawValue <= Kind.other.rawValue { end += 1 }
            spell(bytes[start..<end], body)
          } else if isPlain {
            body(Word(rebasing: bytes.bindMemory(to: UInt8.self)[start..<end]), false)
          } else {
            var count = 0
            for byte in bytes[start..<end] where kinds[Int(byte)] != .dropped {
              small[count] = kinds[Int(byte)] == .upper ? byte | 0x20 : byte
              count += 1
            }
            if count > 0 { body(Word(rebasing: small[..<count]), false) }
          }
          start = end
        }
      }
    }
  }

  private static let mostInPlace = 256

  /// Of a byte. The first three make a word of ASCII; `other` is a part of a character beyond it.
  private enum Kind: UInt8 { case plain, upper, dropped, other, mark, blank }

  private static let kinds: [Kind] = (0..<256).map { byte in
    switch byte {
    case 0x20, 0x09, 0x0a, 0x0d: .blank
    case 0..<0x20, 0x7f: .dropped
    case 0x41...0x5a: .upper
    case 0x80...: .other
    case _ where isPunctuation(byte): .mark
    default: .plain
    }
  }

  private static func isPunctuation(_ value: Int) -> Bool {
    (0x21...0x2f).contains(value) || (0x3a...0x40).contains(value) || (0x5b...0x60).contains(value)
      || (0x7b...0x7e).contains(value)
  }

  /// Characters beyond ASCII, one by one.
  private static func spell(_ bytes: Slice<UnsafeRawBufferPointer>, _ body: (Word, _ isMark: Bool) -> Void) {
    var word: [UInt8] = []
    func end(isMark: Bool = false) {
      if !word.isEmpty { word.withUnsafeBufferPointer { body($0, isMark) } }
      word.removeAll(keepingCapacity: true)
    }
    var text = String.UnicodeScalarView()
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars where !isDropped(scalar) {
      text.append(scalar)
    }
    for scalar in String(text).decomposedStringWithCanonicalMapping.unicodeScalars {
      let properties = scalar.properties
      if properties.generalCategory == .nonspacingMark { continue }
      let isMark = isPunctuation(properties.generalCategory) || isPunctuation(Int(scalar.value))
      if properties.isWhitespace {
        end()
      } else if isMark || isChinese(scalar.value) {
        end()
        word += UTF8.encode(scalar).map { Array($0) } ?? []
        end(isMark: isMark)
      } else {
        word += properties.lowercaseMapping.utf8
      }
    }
    end()
  }

  /// U+0000, U+FFFD, and the categories Cc, Cf, Cn, Co and Cs but tab and the ends of lines.
  private static func isDropped(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .unassigned, .privateUse, .surrogate: ![0x09, 0x0a, 0x0d].contains(scalar.value)
    default: scalar.value == 0xfffd
    }
  }

  private static func isPunctuation(_ category: Unicode.GeneralCategory) -> Bool {
    switch category {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
      .finalPunctuation, .otherPunctuation: true
    default: false
    }
  }

  /// CJK Unified Ideographs with their extensions, and their compatibility forms; not Hangul and kana, which are
  /// written with blanks or belong to words.
  private static func isChinese(_ value: UInt32) -> Bool {
    switch value {
    case 0x4e00...0x9fff, 0x3400...0x4dbf, 0x20000...0x2a6df, 0x2a700...0x2b73f, 0x2b740...0x2b81f, 0x2b820...0x2ceaf,
      0xf900...0xfaff, 0x2f800...0x2fa1f: true
    default: false
    }
  }
}
