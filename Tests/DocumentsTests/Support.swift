import Documents

/// Reads a document in pieces of `size` bytes.
func read(_ text: String, by size: Int = 1 << 16, limit: Int = 1 << 20) throws -> DocumentText {
  var reader = DocumentReader(limit: limit)
  let bytes = Array(text.utf8)
  for start in stride(from: 0, to: bytes.count, by: size) {
    try reader.read(Array(bytes[start..<min(bytes.count, start + size)]))
  }
  return try reader.finish()
}

/// Words as tokens: what a passage may hold can be counted by eye.
func countWords(_ text: String) -> Int { text.split(whereSeparator: \.isWhitespace).count }

func split(_ html: String, form: String = "10-K", limit: Int = 230) throws -> Filing {
  Filing(try read(html), form: form, limit: limit, count: countWords)
}

extension Filing {
  /// `I:1A` of all items.
  var names: [String] { items.map { "\($0.part ?? "-"):\($0.numbers.joined(separator: ","))" } }

  /// All text of one item.
  func text(_ item: String, part: String? = nil) -> String {
    passages.filter { $0.item == item && (part == nil || $0.part == part) }.map(\.text).joined(separator: "\n")
  }

  func state(_ item: String) -> Item.State? { items.first { $0.numbers.contains(item) }?.state }
}

/// Prose of about `count` characters that names `word`.
func prose(_ word: String, _ count: Int = 400) -> String {
  let sentence = "This passage is about \(word) and describes it in plain words for the reader. "
  return String(repeating: sentence, count: max(1, count / sentence.utf8.count)).trimmingBlank
}

extension String {
  var trimmingBlank: String { String(reversed().drop { $0 == " " }.reversed()) }
}
