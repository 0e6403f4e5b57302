import Values

/// Writes JSON into a buffer of its own that grows and is reused: `clear()` keeps the room.
///
/// Commas are its business, nesting is the caller's: every `begin` needs its `end`, every key its value. Whatever
/// bytes it is given, strings come out as valid JSON.
package struct JSONWriter: ~Copyable {
  private var storage: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  package private(set) var count = 0
  private var needsComma = false

  package init(capacity: Int = 1024) {
    self.capacity = max(capacity, 64)
    storage = .allocate(capacity: self.capacity)
  }

  deinit { storage.deallocate() }

  /// What was written, in place.
  package var bytes: RawSpan {
    @_lifetime(borrow self) get {
      let span = RawSpan(_unsafeStart: UnsafeRawPointer(storage), byteCount: count)
      return _overrideLifetime(span, borrowing: self)
    }
  }

  /// A copy of what was written.
  package func array() -> [UInt8] { Array(UnsafeBufferPointer(start: storage, count: count)) }

  package mutating func clear() {
    count = 0
    needsComma = false
  }

  /// A place to come back to with ``rewind(to:)``.
  package struct Mark: Sendable {
    fileprivate let count: Int
    fileprivate let needsComma: Bool
  }

  package var mark: Mark { Mark(count: count, needsComma: needsComma) }

  /// Forgets what was written since `mark` was taken.
  package mutating func rewind(to mark: Mark) {
    count = min(mark.count, count)
    needsComma = mark.needsComma
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

  /// Makes room for a value of up to `size` bytes and writes the comma before it if one is due.
  @inline(__always)
  private mutating func beginValue(_ size: Int) {
    reserve(size + 1)
    if needsComma { put(UInt8(ascii: ",")) }
    needsComma = true
  }

  /// Precondition: room was reserved.
  @inline(__always)
  private mutating func put(_ byte: UInt8) {
    storage[count] = byte
    count += 1
  }

  @inline(__always)
  private mutating func put(_ text: StaticString) {
    (storage + count).update(from: text.utf8Start, count: text.utf8CodeUnitCount)
    count += text.utf8CodeUnitCount
  }

  // MARK: Structure

  package mutating func beginObject() {
    beginValue(1)
    put(UInt8(ascii: "{"))
    needsComma = false
  }

  package mutating func endObject() {
    reserve(1)
    put(UInt8(ascii: "}"))
    needsComma = true
  }

  package mutating func beginArray() {
    beginValue(1)
    put(UInt8(ascii: "["))
    needsComma = false
  }

  package mutating func endArray() {
    reserve(1)
    put(UInt8(ascii: "]"))
    needsComma = true
  }

  /// - Parameter name: needs no escaping.
  @inline(__always)
  package mutating func key(_ name: StaticString) {
    beginValue(name.utf8CodeUnitCount + 3)
    put(UInt8(ascii: "\""))
    put(name)
    put(UInt8(ascii: "\""))
    put(UInt8(ascii: ":"))
    needsComma = false
  }

  /// A key that is only known at run time; escaped like a string.
  package mutating func key(named name: String) {
    string(name)
    reserve(1)
    put(UInt8(ascii: ":"))
    needsComma = false
  }

  /// As `key(named:)`.
  package mutating func key(_ name: RawSpan) {
    string(name)
    reserve(1)
    put(UInt8(ascii: ":"))
    needsComma = false
  }

  /// Bytes that are JSON already, such as members written before by another writer: `"a":1,"b":2`.
  package mutating func raw(_ json: RawSpan) {
    beginValue(json.byteCount)
    append(json)
  }

  // MARK: Values

  package mutating func null() {
    beginValue(4)
    put("null")
  }

  package mutating func bool(_ value: Bool) {
    beginValue(5)
    put(value ? "true" : "false")
  }

  package mutating func integer(_ value: Int64) {
    beginValue(20)
    var remaining = value.magnitude
    var digits = 1
    var bound: UInt64 = 10
    while digits < 19, remaining >= bound {
      digits += 1
      bound &*= 10
    }
    if value < 0 { put(UInt8(ascii: "-")) }
    var position = count + digits
    count = position
    repeat {
      position -= 1
      storage[position] = UInt8(truncatingIfNeeded: remaining % 10) &+ 0x30
      remaining /= 10
    } while remaining != 0
  }

  /// As a JSON number, with the digits it was written with.
  package mutating func number(_ value: ExactDecimal) {
    beginValue(ExactDecimal.maxTextLength)
    count += value.write(to: storage + count)
  }

  /// As a JSON string, which no reader can round to a binary fraction.
  package mutating func string(_ value: ExactDecimal) {
    beginValue(ExactDecimal.maxTextLength + 2)
    put(UInt8(ascii: "\""))
    count += value.write(to: storage + count)
    put(UInt8(ascii: "\""))
  }

  package mutating func string(_ value: Timestamp) {
    beginValue(Timestamp.maxTextLength + 2)
    put(UInt8(ascii: "\""))
    count += value.write(to: storage + count)
    put(UInt8(ascii: "\""))
  }

  package mutating func string(_ value: String) {
    var value = value
    value.withUTF8 { string(UnsafeRawBufferPointer($0).bytes) }
  }

  /// A string of UTF-8 text; every malformed sequence becomes one U+FFFD.
  package mutating func string(_ text: RawSpan) {
    // The longest form of a byte is \u00XX.
    beginValue(text.byteCount * 6 + 2)
    put(UInt8(ascii: "\""))
    appendEscaped(text)
    put(UInt8(ascii: "\""))
  }

  /// One string of two texts, one after the other.
  package mutating func string(_ first: RawSpan, _ second: RawSpan) {
    beginValue((first.byteCount + second.byteCount) * 6 + 2)
    put(UInt8(ascii: "\""))
    appendEscaped(first)
    appendEscaped(second)
    put(UInt8(ascii: "\""))
  }

  private mutating func append(_ bytes: RawSpan) {
    bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      UnsafeMutableRawPointer(storage + count).copyMemory(from: start, byteCount: source.count)
    }
    count += bytes.byteCount
  }

  /// Precondition: room for six bytes per byte of `text` was reserved, and for two more.
  private mutating func appendEscaped(_ text: RawSpan) {
    let length = text.byteCount
    var read = 0
    var write = storage + count
    while read < length {
      // A word at a time while it holds only characters of one and two bytes that need no escape. It is stored before
      // the outcome is known: the room is there, and what is wrong in it is overwritten.
      var pending: UInt64 = 0
      while read < length {
        let left = length &- read
        let word = left >= 8 ? text.word(read) : text.lastWord(read, left)
        UnsafeMutableRawPointer(write).storeBytes(of: word.littleEndian, as: UInt64.self)
        let special = needsEscape(word)
        let (isShort, lead) = shortSequences(word, pending)
        guard special == 0, isShort else {
          if isShort {
            // What comes before the character to be escaped is whole.
            let plain = special.trailingZeroBitCount >> 3
            read &+= plain
            write += plain
            pending = 0
          }
          break
        }
        pending = lead
        read &+= min(left, 8)
        write += min(left, 8)
      }
      if pending != 0 {
        // The lead before the word goes with what is in it.
        read &-= 1
        write -= 1
      }
      guard read < length else { break }
      let byte = text.byte(read)
      guard byte >= 0x80 else {
        write += Self.escape(byte, at: write)
        read &+= 1
        continue
      }
      let sequence = text.utf8SequenceLength(at: read)
      guard sequence > 0 else {
        (write[0], write[1], write[2]) = (0xef, 0xbf, 0xbd)
        write += 3
        read &+= 1
        continue
      }
      for index in 0..<sequence { write[index] = text.byte(read + index) }
      read &+= sequence
      write += sequence
    }
    count = write - storage
  }

  /// Writes one ASCII character as it is or escaped, and returns how many bytes that took.
  @inline(__always)
  private static func escape(_ byte: UInt8, at target: UnsafeMutablePointer<UInt8>) -> Int {
    if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
      target[0] = byte
      return 1
    }
    target[0] = UInt8(ascii: "\\")
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): target[1] = byte
    case UInt8(ascii: "\n"): target[1] = UInt8(ascii: "n")
    case UInt8(ascii: "\r"): target[1] = UInt8(ascii: "r")
    case UInt8(ascii: "\t"): target[1] = UInt8(ascii: "t")
    case 0x08: target[1] = UInt8(ascii: "b")
    case 0x0c: target[1] = UInt8(ascii: "f")
    default:
      target[1] = UInt8(ascii: "u")
      target[2] = UInt8(ascii: "0")
      target[3] = UInt8(ascii: "0")
      target[4] = 0x30 &+ (byte >> 4)
      target[5] = byte & 0xf < 10 ? 0x30 &+ (byte & 0xf) : 0x57 &+ (byte & 0xf)
      return 6
    }
    return 2
  }
}

extension JSONWriter {
  /// An array of strings.
  package mutating func strings(_ texts: [String]) {
    beginArray()
    for text in texts { string(text) }
    endArray()
  }

  package mutating func string(_ value: LocalDateTime) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Timestamp.maxTextLength) { buffer in
      let length = value.write(to: buffer.baseAddress!)
      string(UnsafeRawBufferPointer(start: buffer.baseAddress, count: length).bytes)
    }
  }
}
