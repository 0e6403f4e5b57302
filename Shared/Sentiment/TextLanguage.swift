/// Whether a text is English, told by its script and by the small words that every sentence of a language has.
package enum TextLanguage: Hashable, Sendable {
  case english
  /// Another one, by its ISO 639-1 code, or `und` for a script that several languages have.
  case other(String)

  /// nil for English.
  package var foreignCode: String? { if case .other(let code) = self { code } else { nil } }

  /// - Returns: `english` also for a text that is too short to tell: most headlines of English sources are.
  package static func of(_ text: String) -> TextLanguage {
    var scripts: [String: Int] = [:]
    var (latin, marked) = (0, 0)
    for scalar in text.unicodeScalars where scalar.properties.isAlphabetic {
      switch scalar.value {
      case ..<0x80: latin += 1
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
    let foreign = scripts.values.reduce(0, +)
    if foreign * 3 > latin + foreign, let script = scripts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) {
      return .other(script.key)
    }
    var hits = [Int](repeating: 0, count: languages.count)
    var words = 0
    for word in text.lowercased().split(whereSeparator: { !$0.isLetter && $0 != "'" && $0 != "’" }) {
      words += 1
      if let found = smallWords[String(word)] { for index in found { hits[index] += 1 } }
    }
    guard let best = hits.indices.dropFirst().max(by: { hits[$0] < hits[$1] }) else { return .english }
    // Names with marks occur in English texts, a fifth of marked words does not.
    if hits[best] > hits[0] || hits[best] == hits[0] && hits[best] > 0 && marked * 5 > words {
      return .other(languages[best].code)
    }
    return .english
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

  private static let smallWords: [String: [Int]] = {
    var words: [String: [Int]] = [:]
    for (index, language) in languages.enumerated() {
      for word in language.words.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
        words[String(word), default: []].append(index)
      }
    }
    return words
  }()
}
