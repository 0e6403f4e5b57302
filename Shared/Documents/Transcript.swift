import Core
import Messages

/// What was said at an earnings call, by turn. Three JSON shapes and pages of HTML are read:
///
/// - `{"symbol", "quarter", "transcript": [{"speaker", "title", "content"}]}` (Alpha Vantage);
/// - `[{"symbol", "quarter", "year", "date", "content": "Name: text\n..."}]` (FMP), or one such object;
/// - `{"date", "transcript": "Name: text\n..."}` (API Ninjas);
/// - HTML or text whose turns begin with the speaker's name in bold type, with `Name -- Title`, or with `Name: text`.
package struct Transcript: Sendable {
  package struct Turn: Hashable, Sendable {
    package var speaker: String
    /// `Chief Executive Officer`; empty where it is not said.
    package var title: String
    /// `Prepared Remarks`, `Questions and Answers`; empty where the transcript has no sections.
    package var section: String
    package var text: String
  }
  package private(set) var turns: [Turn] = []

  /// Bytes of JSON: a transcript has a tenth of a megabyte.
  private static let limits = JSONReader.Limits(maxBytes: 16 << 20, maxDepth: 16)

  /// - Throws: `DocumentError(.unknownShape)`.
  package init(json bytes: [UInt8]) throws(DocumentError) {
    do throws(DecodingFailure) {
      var reader = try JSONReader(bytes.span.bytes, limits: Self.limits)
      if reader.startsObject {
        try readObject(&reader)
      } else {
        var rows = try reader.beginArray()
        while try reader.nextElement(&rows) { try readObject(&reader) }
      }
      try reader.finish()
    } catch {
      throw DocumentError(.unknownShape, "the transcript cannot be read: \(error)")
    }
    try check()
  }

  /// - Throws: `DocumentError(.unknownShape)`.
  package init(_ text: DocumentText) throws(DocumentError) {
    var section = ""
    for block in text.blocks where block.kind != .pageBreak {
      let line = block.kind == .row ? text[block].split(separator: " | ").joined(separator: " ") : text[block]
      if let name = Self.section(line) {
        section = name
        continue
      }
      if let (speaker, title, rest) = Self.beginning(line, isBold: block.isBold) {
        turns.append(Turn(speaker: speaker, title: title, section: section, text: rest))
      } else if turns.last?.section == section {
        add(line)
      }
    }
    try check()
  }

  private mutating func check() throws(DocumentError) {
    turns.removeAll { $0.text.isEmpty }
    guard !turns.isEmpty else { throw DocumentError(.unknownShape, "the transcript has no turns of speakers") }
  }

  private mutating func add(_ line: String) {
    let last = turns.count - 1
    turns[last].text += turns[last].text.isEmpty ? line : "\n\(line)"
  }

  // MARK: JSON

  private mutating func readObject(_ reader: inout JSONReader) throws(DecodingFailure) {
    var object = try reader.beginObject()
    while let name = try reader.nextName(&object) {
      switch name {
      case "transcript" where reader.startsArray: try readTurns(&reader)
      case "transcript", "content": if let text = try reader.stringOrNull() { addText(text) }
      default: try reader.skipValue()
      }
    }
  }

  private mutating func readTurns(_ reader: inout JSONReader) throws(DecodingFailure) {
    var rows = try reader.beginArray()
    while try reader.nextElement(&rows) {
      var turn = Turn(speaker: "", title: "", section: "", text: "")
      var row = try reader.beginObject()
      while let name = try reader.nextName(&row) {
        switch name {
        case "speaker": turn.speaker = try reader.stringOrNull() ?? ""
        case "title": turn.title = try reader.stringOrNull() ?? ""
        case "content", "text": turn.text = try reader.stringOrNull() ?? ""
        default: try reader.skipValue()
        }
      }
      turns.append(turn)
    }
  }

  private mutating func addText(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      let line = line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      if line.isEmpty { continue }
      if let (speaker, title, rest) = Self.named(line) {
        turns.append(Turn(speaker: speaker, title: title, section: "", text: rest))
      } else if !turns.isEmpty {
        add(line)
      }
    }
  }

  // MARK: Lines

  /// `Prepared Remarks:`, `Questions & Answers`
  private static func section(_ line: String) -> String? {
    guard line.utf8.count <= 60 else { return nil }
    switch ItemHeading.letters(line) {
    case "preparedremarks", "presentation", "managementdiscussionsection": return "Prepared Remarks"
    case "questionsandanswers", "questionsanswers", "questionandanswer", "qa", "questionandanswersession",
      "questionandanswersection":
      return "Questions and Answers"
    case "callparticipants", "contents", "durationminutes", "conferencecallparticipants": return "Participants"
    default: return nil
    }
  }

  private static func beginning(_ line: String, isBold: Bool) -> (speaker: String, title: String, rest: String)? {
    if line.utf8.count <= 120, let (name, title) = apart(line) { return (name, title, "") }
    if isBold, line.utf8.count <= 80, isName(line) { return (trimmed(line), "", "") }
    return named(line)
  }

  /// `Name -- Title`
  private static func apart(_ line: String) -> (name: String, title: String)? {
    for mark in [" -- ", " — ", " – "] {
      let parts = line.split(separator: mark, maxSplits: 1)
      if parts.count == 2, isName(parts[0]) { return (trimmed(parts[0]), trimmed(parts[1])) }
    }
    return nil
  }

  /// `Name: text`, `Name (Title): text`
  private static func named(_ line: String) -> (speaker: String, title: String, rest: String)? {
    guard let colon = line.firstIndex(of: ":") else { return nil }
    let head = line[..<colon]
    guard head.utf8.count <= 80 else { return nil }
    let text = trimmed(line[line.index(after: colon)...])
    if let (name, title) = apart(String(head)) { return (name, title, text) }
    guard isName(head) else { return nil }
    return (trimmed(head), "", text)
  }

  /// One to six words that begin with capitals: names of people, `Operator`, `Unknown Analyst`.
  private static func isName(_ text: some StringProtocol) -> Bool {
    let words = text.split(separator: " ")
    guard (1...6).contains(words.count) else { return false }
    return words.allSatisfy { word in
      guard let first = word.drop(while: { "(\"'".contains($0) }).first else { return false }
      return first.isUppercase || ["de", "van", "von", "der", "la", "and", "of"].contains(word.lowercased())
    } && words.allSatisfy { !$0.contains(where: { "?!;".contains($0) }) }
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    let words = text.split(separator: " ").joined(separator: " ")
    return words.hasSuffix(":") ? String(words.dropLast()) : words
  }

  // MARK: Passages

  /// - Parameters: as of ``Filing``.
  package func passages(limit: Int, count: @escaping (String) -> Int) -> [Passage] {
    var passages: [Passage] = []
    for turn in turns {
      let heading = turn.section.isEmpty ? turn.title : turn.section
      var packer = PassagePacker(
        limit: limit, frame: Passage(heading: heading, speaker: turn.speaker, text: "", tokens: 0), count: count)
      for line in turn.text.split(separator: "\n") { packer.add(line: String(line)) }
      passages += packer.end()
    }
    return passages
  }
}
