/// A block that reads like the heading of an item, or of a part.
struct ItemHeading: Hashable, Sendable {
  enum Subject: Hashable, Sendable {
    /// `I` to `IV`
    case part(String)
    /// `["1"]`, or `["1", "2"]` of a heading of several.
    case items([String])
  }
  var subject: Subject
  /// The part that the same block names before the item.
  var part: String?
  /// Behind the number; empty when the block ends there.
  var title: String
  /// It ends with a page number, as an entry of a table of contents does.
  var isEntry: Bool

  /// Whether a line may be one, from its first letters.
  static func mayBegin(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard bytes.count >= 5 else { return false }
    let word = bytes.prefix(5).map { $0 | 0x20 }
    return word.starts(with: "item".utf8) || word == Array("part ".utf8)
  }

  /// - Parameter text: of one block.
  init?(_ text: String) {
    var words = Words(text)
    guard let first = words.next() else { return nil }
    switch first.letters {
    case "part":
      guard let number = words.next(), let part = Self.parts[number.letters] else { return nil }
      let rest = words
      if let item = words.next(), item.letters == "item" || item.letters == "items", let found = Self(items: &words) {
        self = found
        self.part = part
        return
      }
      let title = rest.rest
      // "Part II of this report" is a sentence.
      guard title.isEmpty || number.endsWithMark || title.first.map(Self.isMark) == true
        || Self.partTitles.contains(where: { Self.letters(title).hasPrefix($0) })
      else { return nil }
      (subject, self.title) = (.part(part), Self.trimmed(title))
    case "item", "items":
      guard let found = Self(items: &words) else { return nil }
      self = found
      return
    default: return nil
    }
    (self.title, isEntry) = Self.cutPage(title)
  }

  private init?(items words: inout Words) {
    var numbers: [String] = []
    var wasMark = false
    while true {
      let before = words
      guard var word = words.next() else { break }
      if numbers.isEmpty, word.letters == "no" || word.letters == "number" || word.letters == "nos" { continue }
      if !numbers.isEmpty, ["and", "&", "to"].contains(word.letters) || word.text == "&" {
        // "Item 1 and elsewhere": no second number follows.
        var ahead = words
        guard let next = ahead.next(), Self.number(next.letters) != nil else {
          words = before
          break
        }
        continue
      }
      if let number = Self.number(word.letters) {
        guard numbers.isEmpty || !wasMark else {
          words = before
          break
        }
        numbers.append(number)
        wasMark = word.endsWithMark && !word.text.hasSuffix(",")
        continue
      }
      // "Item 1 A." has its letter apart, "Item 1.Business" nothing between.
      if numbers.count == 1, !wasMark, ["a", "b", "c"].contains(word.letters), word.text.count <= 2,
        word.endsWithMark || words.rest.isEmpty || word.text == word.text.uppercased(), numbers[0].last!.isNumber
      {
        numbers[0] += word.letters.uppercased()
        wasMark = word.endsWithMark
        continue
      }
      if numbers.isEmpty, let cut = word.splitNumber() {
        numbers.append(cut.number)
        words = before.replacingFirst(with: cut.rest)
        wasMark = true
        break
      }
      words = before
      break
    }
    guard !numbers.isEmpty, numbers.count <= 4 else { return nil }
    let rest = words.rest
    subject = .items(numbers)
    (title, isEntry) = Self.cutPage(Self.trimmed(rest))
    hasMark = wasMark || rest.isEmpty || rest.first.map(Self.isMark) == true
  }

  /// A mark, or the end, follows the number: "Item 7 of this report" is a sentence.
  private(set) var hasMark = true

  private static let parts = [
    "i": "I", "ii": "II", "iii": "III", "iv": "IV", "1": "I", "2": "II", "3": "III", "4": "IV",
  ]
  private static let partTitles = ["financialinformation", "otherinformation"]

  /// - Returns: `1A` for `1a`; nil unless it is a number of an item.
  private static func number(_ text: String) -> String? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let letter = text.dropFirst(digits.count)
    guard let value = Int(digits), (1...16).contains(value), letter.isEmpty || ["a", "b", "c"].contains(letter) else {
      return nil
    }
    return "\(value)\(letter.uppercased())"
  }

  /// Lower-case letters only.
  static func letters(_ text: some StringProtocol) -> String {
    String(decoding: text.utf8.compactMap { ($0 | 0x20) &- 0x61 < 26 ? $0 | 0x20 : nil }, as: UTF8.self)
  }

  static func isMark(_ character: Character) -> Bool { ".:-–—|,;()[]•·―".contains(character) }

  private static func trimmed(_ text: String) -> String {
    var text = Substring(text)
    while let first = text.first, first == " " || ".:-–—|;•·―".contains(first) { text.removeFirst() }
    while let last = text.last, last == " " || last == "|" { text.removeLast() }
    return String(text)
  }

  /// Without a page number at its end, and whether it has one: `Risk Factors | 12`, `Risk Factors .... 12`,
  /// `Risk Factors 12-19`, `Reserved | N/A`.
  static func cutPage(_ title: String) -> (title: String, isEntry: Bool) {
    let words = title.split(separator: " ")
    guard let last = words.last else { return (title, false) }
    let isApart = words.count > 1 && (words[words.count - 2] == "|" || words[words.count - 2].hasSuffix("..")
      || words[words.count - 2] == ".")
    let isPage = isPages(last)
    guard isPage || (isApart && ["n/a", "none", "*", "na", "—", "-", "–"].contains(last.lowercased())) else {
      let dots = last.split(separator: ".", omittingEmptySubsequences: false)
      if dots.count > 3, let number = dots.last, isPages(number) {
        return (trimmed(String(title.dropLast(last.count)) + String(dots.first ?? "")), true)
      }
      return (title, false)
    }
    // A title of nothing but a number is that of "Item 1 | 3".
    return (trimmed(words.dropLast().joined(separator: " ")), true)
  }

  private static func isPages(_ text: some StringProtocol) -> Bool {
    guard (1...9).contains(text.utf8.count) else { return false }
    let numbers = text.split { "-–—,".contains($0) }
    return !numbers.isEmpty && numbers.allSatisfy { number in
      let digits = number.hasPrefix("F") ? number.dropFirst() : number[...]
      return (1...3).contains(digits.count) && digits.allSatisfy { $0.isASCII && $0.isNumber }
    }
  }

  /// The words of a text, one after the other.
  private struct Words {
    struct Word {
      var text: String
      /// Lower-case, without marks around it.
      var letters: String
      var endsWithMark: Bool

      /// `1.Business` is a number and a word.
      func splitNumber() -> (number: String, rest: String)? {
        guard let dot = text.firstIndex(where: { ".:—–-".contains($0) }) else { return nil }
        let rest = text[text.index(after: dot)...]
        guard let number = ItemHeading.number(text[..<dot].lowercased()), rest.first?.isLetter == true else {
          return nil
        }
        return (number, String(rest))
      }
    }
    private var text: Substring

    init(_ text: String) { self.text = text[...] }

    var rest: String { String(text.drop { $0 == " " }) }

    func replacingFirst(with word: String) -> Words {
      var copy = self
      _ = copy.next()
      return Words(word + " " + copy.rest)
    }

    mutating func next() -> Word? {
      text = text.drop { $0 == " " || $0 == "|" }
      guard !text.isEmpty else { return nil }
      // "PART I—ITEM 1" has no blanks.
      var end = text.index(after: text.startIndex)
      while end < text.endIndex, text[end] != " ", text[text.index(before: end)] != "—" { end = text.index(after: end) }
      let word = String(text[..<end])
      text = text[end...]
      var core = word[...]
      while let first = core.first, ItemHeading.isMark(first) { core.removeFirst() }
      while let last = core.last, ItemHeading.isMark(last) { core.removeLast() }
      return Word(
        text: word, letters: core.lowercased(), endsWithMark: word.last.map(ItemHeading.isMark) ?? false)
    }
  }
}
