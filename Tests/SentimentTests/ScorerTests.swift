import Core
import Foundation
import Sentiment
import Testing
import TestSupport

/// Scores against the reference package, which runs beside the test.
@Suite(.enabled(if: Reference.isThere, ".souk/venv/bin/python has no vaderSentiment (make deps)"))
struct ScorerTests {
  private struct Scored: Decodable {
    var text: String
    var compound, neg, neu, pos: Int
  }

  private static func scorer() throws -> SentimentScorer {
    let files = try Reference.run(["files"]).split(separator: "\n").map(String.init)
    return SentimentScorer(try Lexicon(
      name: "vader-3.3.2", file: files[0], hash: Lexicon.vaderHash, emoji: files[1], emojiHash: Lexicon.vaderEmojiHash))
  }

  /// The package's own examples, and texts of its words, emoji and modifiers between all kinds of blanks.
  @Test func everyScoreIsThatOfTheReference() throws {
    let scorer = try Self.scorer()
    var random = TestRandom("vader")
    let lines = try Reference.run(["\(UInt32.random(in: 0 ... .max, using: &random))", "20000"]).split(separator: "\n")
    #expect(lines.count > 20_100)
    var wrong: [String] = []
    for line in lines {
      let scored = try JSONDecoder().decode(Scored.self, from: Data(line.utf8))
      let polarity = scorer.score(scored.text)
      let expected = Polarity(
        compound: scored.compound, negative: scored.neg, neutral: scored.neu, positive: scored.pos)
      if polarity != expected { wrong.append("\(scored.text.debugDescription): \(polarity), not \(expected)") }
    }
    #expect(wrong.count == 0, "\(wrong.prefix(5).joined(separator: "\n"))")
  }

  @Test func anotherFileThanTheOneThatIsNamedIsRefused() throws {
    let files = try Reference.run(["files"]).split(separator: "\n").map(String.init)
    #expect {
      try Lexicon(name: "vader", file: files[1], hash: Lexicon.vaderHash)
    } throws: { error in
      (error as? Failure)?.errorClass == .configuration && "\(error)".contains(Lexicon.vaderEmojiHash)
    }
  }
}

/// Runs `vader_scores.py`.
enum Reference {
  private static let python = ".souk/venv/bin/python"
  static let isThere = (try? start(["-c", "import vaderSentiment.vaderSentiment"])) != nil

  static func run(_ arguments: [String]) throws -> String {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("vader_scores.py")
    return try start([script.path] + arguments)
  }

  private struct Failed: Error {}

  private static func start(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: python)
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failed() }
    return text
  }
}

/// What needs no files.
@Suite struct FinanceWordsTests {
  private let scorer = SentimentScorer(.finance)

  @Test(arguments: [
    ("Apple shares surge after record quarter", 1), ("Boeing shares plunge as regulators open a fraud probe", -1),
    ("Intel misses estimates and cuts its outlook", -1), ("Analysts upgrade Nvidia", 1),
    ("Board meets on Tuesday", 0), ("", 0), ("Tesla did not beat expectations", -1),
  ])
  func aHeadlineHasTheSignOfItsWords(_ headline: String, _ sign: Int) {
    #expect(scorer.score(headline).compound.signum() == sign)
  }

  /// What a person is called is not what they say.
  @Test func handlesCashtagsAndLinksAreNotScored() {
    #expect(scorer.score("@great $WIN https://win.example/great").compound > 0)
    #expect(scorer.scoreWithoutNames("@great $WIN https://win.example/great www.love.example").compound == 0)
    #expect(scorer.scoreWithoutNames("@bad $5 great").compound == scorer.score("$5 great").compound)
  }

  @Test func capitalsEmphasiseOnlyAmongOthers() {
    #expect(scorer.score("profits SURGE today").compound > scorer.score("profits surge today").compound)
    #expect(scorer.score("PROFITS SURGE TODAY") == scorer.score("profits surge today"))
  }
}

@Suite struct TextLanguageTests {
  @Test(arguments: [
    ("Apple shares rise after earnings", nil), ("Stocks", nil), ("", nil),
    ("Apple übertrifft die Erwartungen der Analysten", "de"), ("Les actions d'Apple montent après les résultats", "fr"),
    ("Las acciones de Apple suben tras los resultados", "es"), ("Le azioni di Apple salgono dopo i conti", "it"),
    ("Ações da Apple sobem após os resultados", "pt"), ("De aandelen van Apple stijgen na de cijfers", "nl"),
    ("アップルの株価が上昇した", "ja"), ("苹果公司股价上涨", "zh"), ("Акции Apple выросли после отчёта", "ru"),
    ("مبيعات آبل ترتفع", "ar"), ("מניות אפל עולות", "he"), ("애플 주가 상승", "ko"),
    ("Nestlé and Société Générale lead gains in the European market", nil),
  ] as [(String, String?)])
  func theLanguageIsTold(_ text: String, _ code: String?) { #expect(TextLanguage.of(text).foreignCode == code) }
}
