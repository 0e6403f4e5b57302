/// A piece of a document that is searched as one.
package struct Passage: Hashable, Sendable {
  package var part: String?
  /// `1A`, `1,2` of a section that is several items; nil in a document without items.
  package var item: String?
  package var heading: String
  package var speaker: String?
  package var text: String
  /// Of the text, as the counter counts.
  package var tokens: Int
  package var isTable = false
}

/// Packs the text of a section into passages of at most so many tokens: whole paragraphs as long as they fit, then
/// sentences, then words. A table stays whole, with its caption, or is cut between rows, each piece with the caption
/// and the first row.
struct PassagePacker {
  private let limit: Int
  private let count: (String) -> Int
  private var frame: Passage
  private let title: String
  private var parts: [String] = []
  private var tokens = 0
  /// The line above a table is its caption.
  private var lastLine: String?
  private(set) var passages: [Passage] = []

  /// - Parameter count: tokens of a text; those of two texts together are no more than the sum.
  init(limit: Int, frame: Passage, count: @escaping (String) -> Int) {
    (self.limit, self.count, self.frame) = (limit, count, frame)
    title = frame.heading
  }

  mutating func add(_ blocks: Range<Int>, of text: DocumentText, except furniture: PageFurniture?) {
    var index = blocks.lowerBound
    while index < blocks.upperBound {
      let block = text.blocks[index]
      defer { index += 1 }
      guard block.kind != .pageBreak, furniture?.contains(index) != true else { continue }
      guard block.kind == .row else {
        add(line: text[block], isHeading: Self.isHeading(block, text))
        continue
      }
      var rows: [DocumentText.Block] = []
      // A page may end within a table.
      while index < blocks.upperBound {
        let next = text.blocks[index]
        let isOutside = next.kind == .pageBreak || furniture?.contains(index) == true
        guard isOutside || (next.kind == .row && next.table == block.table) else { break }
        if !isOutside { rows.append(next) }
        index += 1
      }
      index -= 1
      add(rows: rows, of: text)
    }
  }

  /// A short line in bold type that is no sentence.
  private static func isHeading(_ block: DocumentText.Block, _ text: DocumentText) -> Bool {
    guard block.isBold, block.count <= 150 else { return false }
    let last = text.bytes[block.end - 1]
    return last != UInt8(ascii: ".") && last != UInt8(ascii: ",") && last != UInt8(ascii: ";")
  }

  mutating func add(line: String, isHeading: Bool = false) {
    if isHeading {
      flush()
      frame.heading = title.isEmpty || title == line ? line : "\(title) — \(line)"
      lastLine = line
      return
    }
    lastLine = line.utf8.count <= 200 ? line : nil
    let size = count(line)
    if size > limit { return addLong(line) }
    if tokens + size > limit { flush() }
    parts.append(line)
    tokens += size
  }

  private mutating func addLong(_ line: String) {
    flush()
    for sentence in Self.sentences(line) {
      let size = count(sentence)
      if size > limit {
        for piece in words(sentence) {
          flush()
          parts.append(piece)
          tokens = count(piece)
        }
        continue
      }
      if tokens + size > limit { flush() }
      // One paragraph stays one line.
      if parts.isEmpty { parts.append(sentence) } else { parts[parts.count - 1] += " " + sentence }
      tokens += size
    }
    flush()
  }

  static func sentences(_ text: String) -> [String] {
    var sentences: [String] = []
    let bytes = Array(text.utf8)
    var start = 0
    for index in bytes.indices.dropLast(2)
    where (bytes[index] == 0x2e || bytes[index] == 0x3b || bytes[index] == 0x3f) && bytes[index + 1] == 0x20
      && (bytes[index + 2] &- 0x41 < 26 || bytes[index + 2] >= 0x80 || bytes[index] == 0x3b) && index - start > 20
    {
      sentences.append(String(decoding: bytes[start...index], as: UTF8.self))
      start = index + 2
    }
    if start < bytes.count { sentences.append(String(decoding: bytes[start...], as: UTF8.self)) }
    return sentences
  }

  private func words(_ sentence: String) -> [String] {
    var pieces: [String] = []
    var (piece, size) = ("", 0)
    for word in sentence.split(separator: " ") {
      // A word without end is cut where it must be: a key in hexadecimal digits, a line of signs.
      for part in count(String(word)) <= limit ? [word] : Self.slices(word, limit / 2) {
        let own = count(String(part))
        if size + own > limit, !piece.isEmpty {
          pieces.append(piece)
          (piece, size) = ("", 0)
        }
        piece += piece.isEmpty ? String(part) : " \(part)"
        size += own
      }
    }
    return piece.isEmpty ? pieces : pieces + [piece]
  }

  private static func slices(_ word: Substring, _ length: Int) -> [Substring] {
    var slices: [Substring] = []
    var rest = word
    while !rest.isEmpty {
      slices.append(rest.prefix(max(1, length)))
      rest = rest.dropFirst(max(1, length))
    }
    return slices
  }

  private mutating func add(rows: [DocumentText.Block], of text: DocumentText) {
    guard rows.count(where: { $0.numbers > 0 }) >= 2 || rows.count { $0.cells > 2 } >= 2 else {
      // The layout of a list: a bullet and its text.
      for row in rows { add(line: text[row].split(separator: " | ").joined(separator: " ")) }
      return
    }
    let caption = lastLine
    if let caption, parts.last == caption {
      // It goes with its table.
      parts.removeLast()
      tokens -= count(caption)
    }
    flush()
    let lines = rows.map { text[$0] }
    let first = rows.first.map { $0.numbers == 0 } == true ? lines[0] : nil
    let head = [caption, first].compactMap { $0 }
    let headSize = head.reduce(0) { $0 + count($1) }
    // A head that leaves no room is not repeated.
    let repeated = headSize * 2 <= limit ? head : []
    if let caption { begin(caption) }
    for line in lines {
      let size = count(line)
      if size > limit {
        flush(isTable: true)
        for piece in words(line) {
          begin(piece)
          flush(isTable: true)
        }
        continue
      }
      if tokens + size > limit {
        flush(isTable: true)
        for line in repeated where tokens + size + count(line) <= limit { begin(line) }
      }
      begin(line)
    }
    flush(isTable: true)
    lastLine = nil
  }

  private mutating func begin(_ line: String) {
    parts.append(line)
    tokens += count(line)
  }

  mutating func flush(isTable: Bool = false) {
    guard !parts.isEmpty else { return }
    var passage = frame
    passage.text = parts.joined(separator: "\n")
    passage.tokens = count(passage.text)
    passage.isTable = isTable
    passages.append(passage)
    parts.removeAll()
    tokens = 0
  }

  mutating func end() -> [Passage] {
    flush()
    return passages
  }
}
