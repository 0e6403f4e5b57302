/// The position of a text in its ``RecordText``.
struct TextRange: Sendable {
  var start: Int32 = 0
  var end: Int32 = 0

  var isEmpty: Bool { start == end }

  mutating func move(by shift: Int32) {
    guard !isEmpty else { return }
    start += shift
    end += shift
  }

  func moved(by shift: Int32) -> TextRange {
    var moved = self
    moved.move(by: shift)
    return moved
  }

  func text(in base: UnsafePointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: base + Int(start), count: Int(end - start))
  }
}

/// The clean texts of one record (a promotion with its items, a store), concatenated. Reused for every record of a
/// file, and never larger than the limit.
struct RecordText: ~Copyable {
  private(set) var base: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  private(set) var used = 0
  let limit: Int

  init(limit: Int) {
    self.limit = limit
    capacity = min(4 << 10, limit)
    base = .allocate(capacity: capacity)
  }

  deinit { base.deallocate() }

  mutating func clear() { used = 0 }

  /// Discards the first `count` bytes; the caller moves its ranges.
  mutating func drop(first count: Int) {
    base.update(from: base + count, count: used - count)
    used -= count
  }

  /// Appends character data, cleaned.
  /// - Returns: false when the record is larger than the limit.
  mutating func append(
    _ piece: UnsafeBufferPointer<UInt8>, isPlain: Bool, isCDATA: Bool, cleaner: inout FieldText
  ) -> Bool {
    let room = isPlain ? piece.count : FieldText.room(for: piece.count)
    if capacity - used < room {
      guard used + piece.count <= limit else { return false }
      grow(to: max(capacity * 2, used + room))
    }
    if isPlain, let source = piece.baseAddress {
      (base + used).update(from: source, count: piece.count)
      used += piece.count
    } else {
      used += cleaner.clean(piece, resolving: !isCDATA, into: base + used)
    }
    return used <= limit
  }

  /// The text appended since `start`, trimmed.
  func range(from start: Int) -> TextRange {
    var (start, end) = (start, used)
    while start < end, base[start] <= 0x20 { start += 1 }
    while end > start, base[end - 1] <= 0x20 { end -= 1 }
    return TextRange(start: Int32(start), end: Int32(end))
  }

  func text(_ range: TextRange) -> UnsafeBufferPointer<UInt8> { range.text(in: base) }

  private mutating func grow(to larger: Int) {
    let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
    moved.update(from: base, count: used)
    base.deallocate()
    base = moved
    capacity = larger
  }
}
