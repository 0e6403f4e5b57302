import Core
import Messages
import Values

/// Reads the members of a request's JSON object strictly: each known, once, of its type, and not null.
enum Body {
  /// - Parameter read: reads the value of a member; false for a name that there is not.
  /// - Throws: `Problem` 400 that names the member.
  static func read(
    _ body: [UInt8], requiring required: [String] = [],
    _ read: (_ name: String, _ reader: inout JSONReader) throws(DecodingFailure) -> Bool
  ) throws(Problem) {
    var seen: Set<String> = []
    do throws(DecodingFailure) {
      var reader = try JSONReader(body.span.bytes)
      var cursor = try reader.beginObject()
      while let name = try reader.nextName(&cursor) {
        guard seen.insert(name).inserted else { throw reader.wrong(name, "is given twice") }
        guard try read(name, &reader) else { throw reader.wrong(name, "is nothing that this body has") }
      }
    } catch {
      throw Problem(400, "bad_body", "the body cannot be read: \(error)")
    }
    if let missing = required.first(where: { !seen.contains($0) }) {
      throw Problem(400, "bad_body", "the body has no '\(missing)'")
    }
  }
}

extension JSONReader {
  func wrong(_ name: String, _ why: StaticString) -> DecodingFailure {
    DecodingFailure(.badValue, at: offset, why, field: name)
  }

  /// A text of 1 to so many characters.
  mutating func text(_ name: String, most: Int) throws(DecodingFailure) -> String {
    let text = try string()
    guard (1...most).contains(text.unicodeScalars.count) else { throw wrong(name, "is empty or too long") }
    return text
  }

  /// Words of letters, digits and `. _ : @ -`.
  mutating func words(_ name: String, most: Int) throws(DecodingFailure) -> [String] {
    var words: [String] = []
    var cursor = try beginArray()
    while try nextElement(&cursor) {
      let word = try string()
      guard words.count < most, Parameter.isNamed(word, 64, Parameter.wordBytes) else {
        throw wrong(name, "are too many, or no words of letters, digits and . _ : @ -")
      }
      words.append(word)
    }
    return words
  }
}
