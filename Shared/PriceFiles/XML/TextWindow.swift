/// The part of the text in memory: bytes are appended after `end`, read from `position`, and discarded at the front.
/// One allocation serves a file of any size.
struct TextWindow: ~Copyable {
  /// Bytes that may be read (not used) before `base` and after `end`, so that words and vectors need no tail code.
  static let padding = 32

  let base: UnsafeMutablePointer<UInt8>
  let capacity: Int
  /// The next byte to read.
  var position = 0
  /// After the last byte of complete, valid text.
  var end = 0
  /// After the last byte: a character cut by a chunk lies between `end` and here.
  var filled = 0
  /// Bytes and line breaks discarded so far.
  private(set) var discarded = 0
  private var discardedLines = 0

  init(capacity: Int) {
    self.capacity = capacity
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity + 2 * Self.padding)
    memory.initialize(repeating: 0, count: capacity + 2 * Self.padding)
    base = memory + Self.padding
  }

  deinit { (base - Self.padding).deallocate() }

  var free: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: base + filled, count: capacity - filled)
  }

  /// Discards everything before `keep` and moves the rest to the front.
  /// - Returns: the decrease of offsets into the window.
  mutating func discard(before keep: Int) -> Int {
    guard keep > 0 else { return 0 }
    discardedLines += Self.lineBreaks(base, keep)
    discarded += keep
    base.update(from: base + keep, count: filled - keep)
    position -= keep
    end -= keep
    filled -= keep
    return keep
  }

  /// Bytes from the start of the text, and the 1-based line.
  func place(of offset: Int) -> (offset: Int, line: Int) {
    (discarded + offset, discardedLines + Self.lineBreaks(base, offset) + 1)
  }

  func defect(_ outcome: PriceFileOutcome, code: String, _ message: String, at offset: Int) -> FileDefect {
    let place = place(of: offset)
    return FileDefect(outcome, code: code, message, offset: place.offset, line: place.line)
  }

  private static func lineBreaks(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int {
    let raw = UnsafeRawPointer(start)
    let breaks = SIMD16<UInt8>(repeating: UInt8(ascii: "\n"))
    let ones = SIMD16<UInt8>(repeating: 1)
    var total = 0
    var position = 0
    while position + 16 <= count {
      // Each lane counts one column of up to 255 vectors.
      var lanes = SIMD16<UInt8>(repeating: 0)
      let blockEnd = min(position + 255 * 16, count - 15)
      while position < blockEnd {
        let bytes = raw.loadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self)
        lanes &+= ones.replacing(with: 0, where: bytes .!= breaks)
        position &+= 16
      }
      for lane in 0..<16 { total += Int(lanes[lane]) }
    }
    while position < count {
      if start[position] == UInt8(ascii: "\n") { total += 1 }
      position += 1
    }
    return total
  }
}
