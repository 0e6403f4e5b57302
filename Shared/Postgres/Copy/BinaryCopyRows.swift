

/// Rows in the wire form of `COPY ... FROM STDIN (FORMAT binary)`, written field by field into one send buffer.
///
/// A row is `beginRow(fields:)` followed by exactly that many fields of the columns' types: the server checks lengths,
/// not meanings. All integers are big-endian. Format: PostgreSQL documentation, "COPY", section "Binary Format"; field
/// contents: the `*_recv` functions of each type.
package struct BinaryCopyRows: Sendable {
  /// Signature, flags and the length of the (empty) header extension.
  package static let header: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00, 0, 0, 0, 0, 0, 0, 0, 0]
  /// -1 in place of a row's number of fields.
  package static let trailer: [UInt8] = [0xFF, 0xFF]

  /// Longer than `length`; the rest is spare capacity.
  private var storage: [UInt8] = []
  private var length = 0
  /// Offset of the length of an open array.
  private var arrayStart = 0
  /// Rows begun.
  package private(set) var count = 0

  package init() {}

  package var isEmpty: Bool { count == 0 }
  package var byteCount: Int { length }
  /// Memory held, spare capacity included.
  package var heldBytes: Int { storage.count }
  /// The rows, without header and trailer.
  package var bytes: ArraySlice<UInt8> { storage[..<length] }

  /// A position to return to with `rewind(to:)`.
  package struct Mark: Hashable, Sendable {
    package let rows: Int
    package let bytes: Int
  }

  package var mark: Mark { Mark(rows: count, bytes: length) }

  /// Discards everything written since `mark`.
  package mutating func rewind(to mark: Mark) {
    count = mark.rows
    length = mark.bytes
  }

  /// Discards all rows. Large memory is freed: there is a buffer for every partition and table, a lagging consumer
  /// fills one after the other with megabytes, and the memory limit counts only those in use.
  package mutating func removeAll() {
    rewind(to: Mark(rows: 0, bytes: 0))
    if storage.count > Self.keptBytes { storage = [] }
  }

  private static let keptBytes = 16 << 10

  @inline(__always)
  package mutating func beginRow(fields: Int) {
    count += 1
    put(Int16(truncatingIfNeeded: fields))
  }

  @inline(__always)
  package mutating func null() { put(Int32(-1)) }

  @inline(__always)
  package mutating func int4(_ value: Int32) {
    put(Int32(4))
    put(value)
  }

  @inline(__always)
  package mutating func int8(_ value: Int64) {
    put(Int32(8))
    put(value)
  }

  @inline(__always)
  package mutating func bool(_ value: Bool) {
    put(Int32(1))
    put(Int8(value ? 1 : 0))
  }

  /// An instant, in microseconds since 1970-01-01T00:00:00Z; PostgreSQL counts from 2000.
  @inline(__always)
  package mutating func timestamptz(unixMicroseconds: Int64) {
    int8(unixMicroseconds - 946_684_800_000_000)
  }

  /// The 16 bytes of a uuid, in the order it is printed in.
  @inline(__always)
  package mutating func uuid(high: UInt64, low: UInt64) {
    put(Int32(16))
    put(high)
    put(low)
  }

  /// `text`, `varchar` or `bytea`. For text: UTF-8 without NUL, which the caller has checked.
  @inline(__always)
  package mutating func text(_ bytes: RawSpan) {
    let size = bytes.byteCount
    put(Int32(truncatingIfNeeded: size))
    reserve(size)
    let start = length
    storage.withUnsafeMutableBytes { target in
      bytes.withUnsafeBytes { source in
        UnsafeMutableRawBufferPointer(rebasing: target[start..<(start + size)]).copyMemory(from: source)
      }
    }
    length += size
  }

  package mutating func text(_ text: String) {
    var text = text
    text.withUTF8 { self.text(UnsafeRawBufferPointer($0).bytes) }
  }

  /// A one-dimensional `text[]` without NULLs: `count` times `text`, then `endTextArray`. Format: `array_recv` in
  /// src/backend/utils/adt/arrayfuncs.c; 25 is the type of `text`.
  package mutating func beginTextArray(count: Int) {
    arrayStart = length
    put(Int32(0))
    put(Int32(count == 0 ? 0 : 1))
    put(Int32(0))
    put(Int32(25))
    if count > 0 {
      put(Int32(truncatingIfNeeded: count))
      put(Int32(1))
    }
  }

  package mutating func endTextArray() {
    let size = Int32(truncatingIfNeeded: length - arrayStart - 4)
    storage.withUnsafeMutableBytes { $0.storeBytes(of: size.bigEndian, toByteOffset: arrayStart, as: Int32.self) }
  }

  /// `jsonb` from the text of a JSON value; 1 is the version of the format.
  package mutating func jsonb(_ json: [UInt8]) {
    put(Int32(truncatingIfNeeded: json.count + 1))
    put(UInt8(1))
    reserve(json.count)
    storage.replaceSubrange(length..<(length + json.count), with: json)
    length += json.count
  }

  /// Appends `rowCount` whole rows of another buffer.
  package mutating func append(rows: ArraySlice<UInt8>, count rowCount: Int) {
    let start = length
    reserve(rows.count)
    storage.replaceSubrange(start..<(start + rows.count), with: rows)
    length += rows.count
    count += rowCount
  }

  /// Splits `bytes`, which are whole rows, into single rows. For rare inspection; nothing is kept for it.
  package static func split(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    func integer(_ at: Int, _ size: Int) -> Int {
      let value = bytes[at..<(at + size)].reduce(0) { $0 << 8 | Int($1) }
      return value >= 1 << (size * 8 - 1) ? value - (1 << (size * 8)) : value
    }
    var rows: [ArraySlice<UInt8>] = []
    var start = bytes.startIndex
    while start < bytes.endIndex {
      var end = start + 2
      for _ in 0..<integer(start, 2) { end += 4 + max(0, integer(end, 4)) }
      rows.append(bytes[start..<end])
      start = end
    }
    return rows
  }

  @inline(__always)
  mutating func put<Value: FixedWidthInteger>(_ value: Value) {
    let size = MemoryLayout<Value>.size
    reserve(size)
    let start = length
    storage.withUnsafeMutableBytes { target in
      target.storeBytes(of: value.bigEndian, toByteOffset: start, as: Value.self)
    }
    length = start + size
  }

  @inline(__always)
  private mutating func reserve(_ size: Int) {
    if storage.count - length < size { grow(size) }
  }

  @inline(never)
  private mutating func grow(_ size: Int) {
    let target = max(4_096, storage.count * 2, length + size)
    storage.append(contentsOf: repeatElement(0, count: target - storage.count))
  }
}

extension BinaryCopyRows {
  /// The exact decimal `mantissa / 10^scale`, with `scale` digits shown after the point.
  ///
  /// PostgreSQL stores a numeric as base-10,000 digits aligned to the decimal point: `ndigits`, the `weight` of the
  /// first (in powers of 10,000), the sign (0x4000 is minus), the display scale, the digits. Leading and trailing zero
  /// digits are left out, as the server itself does. Source: `numeric_recv` in src/backend/utils/adt/numeric.c.
  /// - Precondition: 0 <= scale <= 18.
  package mutating func numeric(mantissa: Int64, scale: Int) {
    precondition((0...18).contains(scale), "a numeric field takes a scale of 0 to 18")
    let power = Self.powersOfTen[scale]
    var (whole, fraction) = mantissa.magnitude.quotientAndRemainder(dividingBy: power)
    // At most 19 + 18 digits: 5 groups before the point and 5 behind it. Filled from the right.
    withUnsafeTemporaryAllocation(of: Int16.self, capacity: 10) { groups in
      let point = 5
      var last = point + (scale + 3) / 4
      var index = last
      let partial = scale % 4
      if partial != 0 {
        // The scale cuts the last group short: fill it with zeros on the right.
        let cut = Self.powersOfTen[partial]
        index -= 1
        groups[index] = Int16(truncatingIfNeeded: (fraction % cut) * Self.powersOfTen[4 - partial])
        fraction /= cut
      }
      while index > point {
        index -= 1
        groups[index] = Int16(truncatingIfNeeded: fraction % 10_000)
        fraction /= 10_000
      }
      while whole > 0 {
        index -= 1
        groups[index] = Int16(truncatingIfNeeded: whole % 10_000)
        whole /= 10_000
      }
      while index < last, groups[index] == 0 { index += 1 }
      while last > index, groups[last - 1] == 0 { last -= 1 }
      let digits = last - index
      put(Int32(8 + 2 * digits))
      put(Int16(digits))
      put(Int16(digits == 0 ? 0 : point - 1 - index))
      put(UInt16(mantissa < 0 ? 0x4000 : 0))
      put(Int16(scale))
      while index < last {
        put(groups[index])
        index += 1
      }
    }
  }

  private static let powersOfTen: [UInt64] = (0...18).map { exponent in
    (0..<exponent).reduce(1) { power, _ in power * 10 }
  }
}
