/// Whether a text is English, told by its script and by the small words that every sentence of a language has.
package enum TextLanguage: Hashable, Sendable {
  case english
  /// Another one, by its ISO 639-1 code, or `und` for a script that several languages have.
  case other(String)

  /// nil for English.
  package var foreignCode: String? { if case .other(let code) = self { code } else { nil } }

  /// - Returns: `english` also for a text that is too short to tell: most headlines of English sources are.
  package static func of(_ text: String) -> TextLanguage {
    var counts = Counts()
    counts.read(Array(text.utf8))
    let foreign = counts.scripts.values.reduce(0, +)
    if foreign * 3 > counts.latin + foreign,
      let script = counts.scripts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) {
      return .other(script.key)
    }
    let hits = counts.hits
    guard let best = hits.indices.dropFirst().max(by: { hits[$0] < hits[$1] }) else { return .english }
    // Names with marks occur in English texts, a fifth of marked words does not.
    if hits[best] > hits[0] || hits[best] == hits[0] && hits[best] > 0 && counts.marked * 5 > counts.words {
      return .other(languages[best].code)
    }
    return .english
  }

  /// What a text has of each script and of the small words of each language.
  private struct Counts {
    var scripts: [String: Int] = [:]
    var (latin, marked, words) = (0, 0, 0)
    var hits = [Int](repeating: 0, count: languages.count)
    private var word: [UInt8] = []

    mutating func read(_ text: [UInt8]) {
      var index = 0
      while index < text.count {
        let byte = text[index]
        if byte >= 0x80 {
          index = readBeyondASCII(text, index)
        } else {
          index += 1
          if TextWords.isLetter(byte) {
            latin += 1
            word.append(byte | 0x20)
          } else if byte == UInt8(ascii: "'") {
            word.append(byte)
          } else {
            endWord()
          }
        }
      }
      endWord()
    }

    /// - Returns: the index behind the character.
    private mutating func readBeyondASCII(_ text: [UInt8], _ index: Int) -> Int {
      let length = text[index] < 0xe0 ? 2 : text[index] < 0xf0 ? 3 : 4
      let end = min(text.count, index + length)
      let scalar = String(decoding: text[index..<end], as: UTF8.self).unicodeScalars.first ?? " "
      if scalar == "’" {
        word += text[index..<end]
      } else if scalar.properties.isAlphabetic {
        note(scalar.value)
        word += scalar.properties.lowercaseMapping.utf8
      } else if !(0x300..<0x370).contains(scalar.value) {
        endWord()
      }
      return end
    }

    private mutating func note(_ scalar: UInt32) {
      switch scalar {
      case 0x80..<0x250: (latin, marked) = (latin + 1, marked + 1)
      case 0x370..<0x400: scripts["el", default: 0] += 1
      case 0x400..<0x530: scripts["ru", default: 0] += 1
      case 0x590..<0x600: scripts["he", default: 0] += 1
      case 0x600..<0x780: scripts["ar", default: 0] += 1
      case 0x900..<0x980: scripts["hi", default: 0] += 1
      case 0xe00..<0xe80: scripts["th", default: 0] += 1
      case 0x3040..<0x3100: scripts["ja", default: 0] += 2
      case 0xac00..<0xd7b0: scripts["ko", default: 0] += 1
      case 0x4e00..<0xa000: scripts["zh", default: 0] += 1
      default: scripts["und", default: 0] += 1
      }
    }

    private mutating func endWord() {
      guard !word.isEmpty else { return }
      words += 1
      if let number = smallWords.table.find(word[...]) {
        for language in smallWords.languages[number] { hits[language] += 1 }
      }
      word.removeAll(keepingCapacity: true)
    }
  }

  private static let languages: [(code: String, words: String)] = [
    ("en", """
      the a an of to in on for and as at by with from is are was were be been after over its his her their this that
      will would has have had not but it he she they you we i up more than new says said who what how why no so if my
      me am do can all just
      """),
    ("de", """
      der die das den dem des ein eine einer einem einen und oder ist sind war wird werden nach auf für mit von im zu
      zum zur bei nicht auch sich aus über aktie aktien gewinn umsatz
      """),
    ("fr", """
      le la les un une des du de et est sont dans pour sur avec au aux par ne pas plus que qui son ses ce cette après
      bourse bénéfice actions
      """),
    ("es", """
      el la los las un una unos de del y es son en para por con al que su sus se no más tras acciones ganancias bolsa
      """),
    ("it", """
      il lo la gli le un una di del della dei e è sono in per con al alla che suo si non più dopo azioni borsa utile
      """),
    ("pt", """
      o os as um uma de do da dos das e é são em no na para por com ao que seu sua se não mais após ações
      bolsa lucro
      """),
    ("nl", """
      de het een van en is zijn in op voor met te dat die niet ook naar bij uit na aandelen winst beurs
      """),
  ]

  /// Of each word by its number, the languages that have it.
  private static let smallWords: (table: WordTable, languages: [[Int]]) = {
    var (table, owners) = (WordTable(), [[Int]]())
    for (index, language) in languages.enumerated() {
      for word in language.words.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
        let number = table.add(Array(word.utf8))
        if number == owners.count { owners.append([]) }
        owners[number].append(index)
      }
    }
    return (table, owners)
  }()
}
