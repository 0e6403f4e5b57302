import Values

/// A text of a message: a place in the message or in the scratch buffer, or nothing for `null`.
package struct IngestText: Sendable {
  var offset: Int32 = 0
  /// -1 for `null`.
  var count: Int32 = -1
  var isInScratch = false

  /// `null`, or absent.
  package init() {}

  init(offset: Int32, count: Int32, isInScratch: Bool = false) {
    (self.offset, self.count, self.isInScratch) = (offset, count, isInScratch)
  }

  /// A place in a message, as its reader found it.
  package init(_ range: Range<Int>) { self.init(offset: Int32(range.lowerBound), count: Int32(range.count)) }

  package var isPresent: Bool { count >= 0 }

  /// Without its first bytes.
  package func dropping(_ bytes: Int32) -> IngestText {
    IngestText(offset: offset + bytes, count: count - bytes, isInScratch: isInScratch)
  }

  /// The bytes; none for `null`.
  @inline(__always)
  @_lifetime(copy message, copy scratch)
  package func bytes(_ message: RawSpan, _ scratch: RawSpan) -> RawSpan {
    let range = Int(offset)..<(Int(offset) + max(Int(count), 0))
    return isInScratch ? scratch.extracting(range) : message.extracting(range)
  }

  @inline(__always)
  @_lifetime(copy message, copy scratch)
  package func bytesOrNull(_ message: RawSpan, _ scratch: RawSpan) -> RawSpan? {
    count < 0 ? nil : bytes(message, scratch)
  }
}

/// The texts that are not in the message as they are meant: escapes had to be resolved, or they were made here.
package struct IngestScratch: ~Copyable {
  private var storage: UnsafeMutablePointer<UInt8>
  private var capacity = 256
  package private(set) var count = 0

  package init() { storage = .allocate(capacity: capacity) }
  deinit { storage.deallocate() }

  package var bytes: RawSpan {
    @_lifetime(borrow self) get {
      _overrideLifetime(RawSpan(_unsafeStart: UnsafeRawPointer(storage), byteCount: count), borrowing: self)
    }
  }

  package mutating func clear() { count = 0 }
  package mutating func rewind(to mark: Int) { count = mark }

  /// The place of the next value of `reader`, a string; its bytes are copied only when it has escapes.
  @inline(__always)
  package mutating func text(_ reader: inout JSONReader) throws(DecodingFailure) -> IngestText {
    let slice = try reader.slice()
    guard slice.isEscaped else { return IngestText(offset: Int32(slice.offset), count: Int32(slice.count)) }
    return resolved(slice, of: reader)
  }

  @inline(__always)
  package mutating func textOrNull(_ reader: inout JSONReader) throws(DecodingFailure) -> IngestText {
    reader.isNull() ? IngestText() : try text(&reader)
  }

  @inline(never)
  private mutating func resolved(_ slice: JSONReader.Slice, of reader: borrowing JSONReader) -> IngestText {
    reserve(slice.count)
    let length = reader.unescape(slice, to: storage + count)
    defer { count += length }
    return IngestText(offset: Int32(count), count: Int32(length), isInScratch: true)
  }
  @inline(__always)
  private mutating func reserve(_ more: Int) {
    if capacity - count < more { grow(more) }
  }

  @inline(never)
  private mutating func grow(_ more: Int) {
    let larger = max(capacity * 2, count + more)
    let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
    moved.update(from: storage, count: count)
    storage.deallocate()
    storage = moved
    capacity = larger
  }
}

extension IngestScratch {
  /// A copy of `bytes`.
  package mutating func append(_ bytes: RawSpan) -> IngestText {
    reserve(bytes.byteCount)
    bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      UnsafeMutableRawPointer(storage + count).copyMemory(from: start, byteCount: source.count)
    }
    defer { count += bytes.byteCount }
    return IngestText(offset: Int32(count), count: Int32(bytes.byteCount), isInScratch: true)
  }

  package mutating func append(_ text: String) -> IngestText {
    var text = text
    return text.withUTF8 { append(UnsafeRawBufferPointer($0).bytes) }
  }

  package mutating func append(_ byte: UInt8) {
    reserve(1)
    storage[count] = byte
    count += 1
  }

  /// The digits of a number.
  package mutating func append(_ value: Int64) -> IngestText {
    reserve(20)
    let start = count
    if value < 0 { append(UInt8(ascii: "-")) }
    var remaining = value.magnitude
    let first = count
    repeat {
      append(UInt8(truncatingIfNeeded: remaining % 10) &+ 0x30)
      remaining /= 10
    } while remaining != 0
    var (low, high) = (first, count - 1)
    while low < high {
      (storage[low], storage[high]) = (storage[high], storage[low])
      (low, high) = (low + 1, high - 1)
    }
    return IngestText(offset: Int32(start), count: Int32(count - start), isInScratch: true)
  }

  /// What was appended since the scratch had `start` bytes.
  package func text(from start: Int) -> IngestText {
    IngestText(offset: Int32(start), count: Int32(count - start), isInScratch: true)
  }

  /// The place of the next value of `reader`, an array of strings, as JSON with its brackets.
  package mutating func strings(_ reader: inout JSONReader) throws(DecodingFailure) -> IngestText {
    let start = reader.offset
    var array = try reader.beginArray()
    while try reader.nextElement(&array) { _ = try reader.slice() }
    return IngestText(start..<reader.offset)
  }
}
