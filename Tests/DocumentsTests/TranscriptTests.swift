import Documents
import Testing

/// What was said, by turn, of every shape that is read.
@Suite struct TranscriptTests {
  private func json(_ text: String) throws -> [Transcript.Turn] { try Transcript(json: Array(text.utf8)).turns }

  private static let expected = ["Operator: Good day.", "Ann Lee: Revenue grew.\nMargins: they held.", "Bo Ray: Why?"]

  private func lines(_ turns: [Transcript.Turn]) -> [String] { turns.map { "\($0.speaker): \($0.text)" } }

  @Test func turnsOfAList() throws {
    let turns = try json("""
      {"symbol":"ACME","quarter":"2025Q4","transcript":[
       {"speaker":"Operator","title":"","content":"Good day.","sentiment":"0.0"},
       {"speaker":"Ann Lee","title":"CEO","content":"Revenue grew.\\nMargins: they held.","sentiment":"0.6"},
       {"speaker":"Bo Ray","title":"Analyst","content":"Why?"},{"speaker":"Nil","title":null,"content":""}]}
      """)
    #expect(lines(turns) == Self.expected && turns[1].title == "CEO")
  }

  /// One text, a turn a line; a colon within a turn begins none unless a name stands before it.
  @Test(arguments: [
    #"[{"symbol":"ACME","quarter":4,"year":2025,"date":"2025-10-30 17:00:00","content":"#,
    #"{"date":"x","transcript":"#,
  ])
  func turnsOfOneText(start: String) throws {
    let end = start.hasPrefix("[") ? "}]" : "}"
    let text = #""Operator: Good day.\nAnn Lee: Revenue grew.\nand margins in 2025: they held.\nBo Ray: Why?\n""#
    let turns = try json(start + text + end)
    #expect(turns.map(\.speaker) == ["Operator", "Ann Lee", "Bo Ray"])
    #expect(turns[1].text == "Revenue grew.\nand margins in 2025: they held.")
  }

  @Test func turnsOfAPage() throws {
    let page = try read("""
      <html><body><h2>Contents:</h2><ul><li>Prepared Remarks</li><li>Call Participants</li></ul>
      <h2>Prepared Remarks:</h2><p><strong>Operator</strong></p><p>Good day.</p>
      <p><strong>Ann Lee</strong> -- <em>Chief Executive Officer</em></p><p>Revenue grew.</p><p>Costs fell.</p>
      <h2>Questions &amp; Answers:</h2><p><strong>Bo Ray</strong> -- <em>Big Bank -- Analyst</em></p><p>Why?</p>
      </body></html>
      """)
    let turns = try Transcript(page).turns
    #expect(turns.map(\.speaker) == ["Operator", "Ann Lee", "Bo Ray"])
    #expect(turns.map(\.section) == ["Prepared Remarks", "Prepared Remarks", "Questions and Answers"])
    #expect(turns[1].title == "Chief Executive Officer" && turns[1].text == "Revenue grew.\nCosts fell.")
  }

  @Test func whatHasNoTurnsIsRefused() throws {
    for text in [#"{"symbol":"ACME","quarter":"2025Q4","transcript":[]}"#, "[]", "{", #"{"transcript":"no one"}"#] {
      #expect(throws: DocumentError.self) { try json(text) }
    }
    let page = try read("<html><p>nothing was said by anyone here.</p>")
    #expect(throws: DocumentError.self) { try Transcript(page) }
  }

  @Test func passagesNameWhoSpeaks() throws {
    let long = prose("growth", 2_000)
    let transcript = try Transcript(json: Array("""
      {"transcript":[{"speaker":"Ann Lee","title":"CEO","content":"\(long)"},
       {"speaker":"Bo","title":"","content":"Why?"}]}
      """.utf8))
    let passages = transcript.passages(limit: 40, count: countWords)
    #expect(passages.count > 3 && passages.allSatisfy { $0.tokens <= 40 && $0.item == nil })
    #expect(passages.dropLast().allSatisfy { $0.speaker == "Ann Lee" && $0.heading == "CEO" })
    #expect(passages.last?.speaker == "Bo" && passages.last?.text == "Why?")
  }
}
