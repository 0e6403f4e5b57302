import Core
import Glibc

/// Cuts words into the pieces of a vocabulary, the longest first (WordPiece, as BERT has it).
///
/// A word like `[SEP]` in a text is three words, and never the mark that the model puts behind a text.
struct WordPieces: Sendable {
  /// The marks before and behind a text, and what stands for a word that cannot be cut.
  let begin, end, unknown: Int32
  let count: Int
  private let first, further: PieceTable

  /// - Parameter file: `vocab.txt`: a piece in each line, of which the number is its own; `##` before what continues a
  ///   word.
  init(_ file: [UInt8]) throws(Failure) {
    var (first, further) = (PieceTable(), PieceTable())
    var number: Int32 = 0
    for line in file.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if line.count > 2, line.starts(with: Array("##".utf8)) {
        further.add(Array(line.dropFirst(2)), number)
      } else if !line.isEmpty {
        first.add(Array(line), number)
      }
      number += 1
    }
    // The last line ends too.
    count = Int(number) - (file.last == UInt8(ascii: "\n") ? 1 : 0)
    func mark(_ name: String) throws(Failure) -> Int32 {
      let word = Array(name.utf8)
      guard let number = word.withUnsafeBufferPointer({ first.find($0, PieceTable.hash($0)) }) else {
        throw Failure(.configuration, code: "vocabulary_bad", "the vocabulary has no \(name): it is none of BERT's")
      }
      return number
    }
    (begin, end, unknown) = (try mark("[CLS]"), try mark("[SEP]"), try mark("[UNK]"))
    (self.first, self.further) = (first, further)
  }

  /// A longer word is unknown.
  private static let longestWord = 100

  /// Calls `body` with the number of each piece of a text.
  @inline(__always)
  func forEach(of text: RawSpan, _ body: (Int32) -> Void) {
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: Self.longestWord) { pieces in
      BasicWords.forEach(of: text) { word, _ in
        if let whole = first.find(word, PieceTable.hash(word)) {
          body(whole)
        } else if let count = cut(word, into: pieces) {
          for index in 0..<count { body(pieces[index]) }
        } else {
          body(unknown)
        }
      }
    }
  }

  /// - Returns: how many pieces the word has; nil when it has none, or is too long.
  private func cut(_ word: BasicWords.Word, into pieces: UnsafeMutableBufferPointer<Int32>) -> Int? {
    let characters = word.reduce(0) { $0 + ($1 & 0xc0 == 0x80 ? 0 : 1) }
    guard characters <= Self.longestWord else { return nil }
    return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: word.count) { hashes in
      var (start, count) = (0, 0)
      while start < word.count {
        let table = start == 0 ? first : further
        let longest = min(word.count - start, table.longest)
        var hash = PieceTable.seed
        for index in 0..<longest {
          hash = PieceTable.step(hash, word[start + index])
          hashes[index] = hash
        }
        var length = longest
        var found: Int32?
        while length > 0 {
          found = table.find(BasicWords.Word(rebasing: word[start..<start + length]), hashes[length - 1])
          if found != nil { break }
          length -= 1
        }
        guard let found else { return nil }
        pieces[count] = found
        count += 1
        start += length
      }
      return count
    }
  }
}

/// Numbers of byte strings, found by a hash that grows byte by byte.
struct PieceTable: Sendable {
  private struct Piece: Sendable {
    var start: Int32
    var length: Int32
    var number: Int32
  }

  private var bytes: [UInt8] = []
  private var pieces: [Piece] = []
  /// Places in `pieces`, -1 where free; at most half of them are taken. The count is a power of two.
  private var slots = [Int32](repeating: -1, count: 1 << 10)
  /// Bytes of the longest.
  private(set) var longest = 0

  static let seed: UInt64 = 0xcbf2_9ce4_8422_2325

  /// FNV-1a with 64 bits.
  @inline(__always)
  static func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }

  @inline(__always)
  static func hash(_ word: BasicWords.Word) -> UInt64 {
    var hash = seed
    for byte in word { hash = step(hash, byte) }
    return hash
  }

  mutating func add(_ word: [UInt8], _ number: Int32) {
    pieces.append(Piece(start: Int32(bytes.count), length: Int32(word.count), number: number))
    bytes += word
    longest = max(longest, word.count)
    if pieces.count * 2 > slots.count {
      slots = [Int32](repeating: -1, count: slots.count * 2)
      for place in pieces.indices { enter(place) }
    } else {
      enter(pieces.count - 1)
    }
  }

  private mutating func enter(_ place: Int) {
    let piece = pieces[place]
    let hash = bytes.withUnsafeBufferPointer {
      Self.hash(BasicWords.Word(rebasing: $0[Int(piece.start)..<Int(piece.start + piece.length)]))
    }
    var slot = slot(hash)
    while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = Int32(place)
  }

  @inline(__always)
  private func slot(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash ^ hash >> 32) & (slots.count - 1) }

  /// - Parameter hash: of the word.
  @inline(__always)
  func find(_ word: BasicWords.Word, _ hash: UInt64) -> Int32? {
    var slot = slot(hash)
    while slots[slot] >= 0 {
      let piece = pieces[Int(slots[slot])]
      if Int(piece.length) == word.count, let start = word.baseAddress,
        bytes.withUnsafeBytes({ memcmp($0.baseAddress! + Int(piece.start), start, word.count) }) == 0 {
        return piece.number
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }
}
