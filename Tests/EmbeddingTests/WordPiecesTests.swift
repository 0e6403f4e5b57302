import Core
@testable import Embedding
import Testing

@Suite struct WordPiecesTests {
  private static let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\naffable\n,\n[\n]\nsep\n"

  private func numbers(_ text: String) throws -> [Int32] {
    var numbers: [Int32] = []
    try WordPieces(Array(Self.vocabulary.utf8)).forEach(of: text.utf8Span.span.bytes) { numbers.append($0) }
    return numbers
  }

  @Test(arguments: [
    ("unaffable", [4, 5, 6]), ("Affable,un", [7, 8, 4]), ("unaffablex un", [1, 4]), ("", []), ("[SEP]", [9, 11, 10]),
    ("Únaffäble", [4, 5, 6]), ("un\u{0}aff\u{ad}able", [4, 5, 6]), ("un\u{301}affable", [4, 5, 6]),
  ])
  func theLongestPieceIsTaken(_ text: String, _ expected: [Int32]) throws { #expect(try numbers(text) == expected) }

  @Test func aVocabularyWithoutMarksIsRefused() {
    let error = #expect(throws: Failure.self) { try WordPieces(Array("a\nb\n".utf8)) }
    #expect(error?.errorClass == .configuration)
  }
}
