import Core

/// A fault as written in a flag or a request: `mode[:value][@target][/prefix][*times]`.
package struct FaultText {
  package var mode: Substring
  package var value: Substring?
  package var target: Substring?
  package var prefix: Substring?
  package var times: Int?
  private let text: String

  /// - Throws: `Failure` that says what is wrong.
  package init(_ text: String) throws(Failure) {
    self.text = text
    mode = Substring(text)
    let count = Self.cut(&mode, at: "*")
    prefix = Self.cut(&mode, at: "/")
    target = Self.cut(&mode, at: "@")
    value = Self.cut(&mode, at: ":")
    times = count.flatMap { Int($0) }
    guard count == nil || times ?? 0 > 0 else { throw wrong("what follows * must be a number above 0") }
  }

  /// The mode or target of this name.
  package func one<Word: RawRepresentable<String> & CaseIterable>(
    of kind: Word.Type, _ word: Substring
  ) throws(Failure) -> Word {
    guard let known = Word(rawValue: String(word)) else {
      throw wrong("'\(word)' is not one of \(kind.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return known
  }

  package func wrong(_ what: String) -> Failure {
    Failure(.configuration, code: "bad_fault", "fault '\(text)': \(what)")
  }

  /// Takes what follows `mark` off the text.
  private static func cut(_ text: inout Substring, at mark: Character) -> Substring? {
    guard let place = text.lastIndex(of: mark) else { return nil }
    defer { text = text[..<place] }
    return text[text.index(after: place)...]
  }
}
