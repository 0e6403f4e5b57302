import Core

/// Words and the valence of each, from -4 (most negative) to 4, and the words that emoji stand for.
package struct Lexicon: Sendable {
  /// What events call it: `finance-2`, `vader-3.3.2`.
  package var name: String
  package private(set) var valences: [String: Double]
  /// By Unicode scalar: of emoji that are several scalars the reference package finds none either.
  private(set) var emoji: [UInt32: [UInt8]] = [:]

  /// - Parameter emoji: of one Unicode scalar each, with the words that they stand for.
  package init(name: String, _ valences: [String: Double], emoji: [String: String] = [:]) {
    self.name = name
    self.valences = valences
    for (mark, words) in emoji {
      if let scalar = mark.unicodeScalars.first { self.emoji[scalar.value] = Array(words.utf8) }
    }
  }

  /// The same with the words of another, which win where both have one.
  package func adding(_ other: Lexicon) -> Lexicon {
    var sum = self
    sum.name = "\(name)+\(other.name)"
    sum.valences.merge(other.valences) { $1 }
    sum.emoji.merge(other.emoji) { $1 }
    return sum
  }

  // MARK: Files

  /// The files of the package vaderSentiment 3.3.2 (C. J. Hutto, MIT licence), which is installed beside the program
  /// and never part of it.
  package static let vaderHash = "1ec9c6e9ee19aade328f8beb393a6afa71a5bb3acf7d3cc22d4ef568df374bf5"
  package static let vaderEmojiHash = "b8d54223ae1ce22a3e12c1f745316b71678c328eb5f5d3063a842f37cfbe2823"

  /// A lexicon in the form of vaderSentiment: a line is the word, a tabulator, its valence, and what is not read.
  ///
  /// - Parameters:
  ///   - hash: SHA-256 of the file in hexadecimal digits; nil takes any.
  ///   - emoji: lines of an emoji, a tabulator and its description.
  /// - Throws: `Failure` of class configuration that names the file and the line.
  package init(
    name: String, file: String, hash: String?, emoji: String? = nil, emojiHash: String? = nil
  ) throws(Failure) {
    self.name = name
    valences = [:]
    for (number, line) in try Self.lines(of: file, hash: hash).enumerated() where !line.isEmpty {
      guard line.count >= 2, let valence = Double(line[1]), valence.isFinite else {
        throw Self.wrong("\(file), line \(number + 1) is not a word, a tabulator and a number")
      }
      valences[line[0]] = valence
    }
    guard let emoji else { return }
    for (number, line) in try Self.lines(of: emoji, hash: emojiHash).enumerated() where !line.isEmpty {
      guard line.count >= 2 else {
        throw Self.wrong("\(emoji), line \(number + 1) is not an emoji, a tabulator and its description")
      }
      let scalars = line[0].unicodeScalars
      if scalars.count == 1, let scalar = scalars.first { self.emoji[scalar.value] = Array(line[1].utf8) }
    }
  }

  private static func lines(of file: String, hash: String?) throws(Failure) -> [[String]] {
    let bytes = try readFile(file)
    let found = SHA256.hash(bytes).hex
    guard hash == nil || hash?.lowercased() == found else {
      throw wrong("\(file) has the SHA-256 \(found), which is not the one that is named; install that version, or "
        + "name the hash of this one")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw wrong("\(file) is not UTF-8") }
    // Of bytes: with \r before it, a line's end is another character.
    return text.utf8.split(separator: 0x0a, omittingEmptySubsequences: false).map { bytes in
      let line = Substring(bytes).drop(while: \.isWhitespace)
      return line.isEmpty ? [] : line.split(separator: "\t", omittingEmptySubsequences: false).prefix(2).map { part in
        String(part.last == "\r" ? part.dropLast() : part)
      }
    }
  }

  private static func wrong(_ text: String) -> Failure { Failure(.configuration, code: "bad_lexicon", text) }
}
