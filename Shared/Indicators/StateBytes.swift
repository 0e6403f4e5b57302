/// A state that cannot be read: damaged, or written by a later version.
package struct StateError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}

/// Writes the bytes of a state.
///
/// Integers are zigzag variable-length numbers (as in Protocol Buffers), numbers their eight bytes, low byte first. A
/// column of numbers that are decimals, as prices are, is written as differences of whole numbers: a quarter of the
/// bytes.
package struct StateWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func integer(_ value: Int64) {
    var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  package mutating func double(_ value: Double) {
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
  }

  package mutating func text(_ text: String) {
    integer(Int64(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  /// Every `step`th value from `start` on.
  mutating func column(_ values: [Double], from start: Int, by step: Int) {
    guard let scale = Decimals.scale(of: values, from: start, by: step) else {
      integer(-1)
      for index in stride(from: start, to: values.count, by: step) { double(values[index]) }
      return
    }
    integer(Int64(scale))
    var before: Int64 = 0
    for index in stride(from: start, to: values.count, by: step) {
      let whole = Int64((values[index] * Decimals.powers[scale]).rounded())
      integer(whole - before)
      before = whole
    }
  }
}

/// Numbers that are a whole number divided by a power of ten.
private enum Decimals {
  static let powers: [Double] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]

  /// The fewest digits after the point that all values have; nil when they are no decimals. A whole number below 2^53
  /// divided by a power of ten is rounded once, so that the same number comes back bit for bit.
  static func scale(of values: [Double], from start: Int, by step: Int) -> Int? {
    var scale = 0
    for index in stride(from: start, to: values.count, by: step) {
      while true {
        let whole = (values[index] * powers[scale]).rounded()
        if abs(whole) < 9e15, (Double(Int64(whole)) / powers[scale]).bitPattern == values[index].bitPattern { break }
        scale += 1
        if scale == powers.count { return nil }
      }
    }
    return scale
  }
}

package struct StateReader {
  private let bytes: [UInt8]
  private var position = 0
  /// Of the states that follow.
  var registers = 0

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package var isAtEnd: Bool { position == bytes.count }

  package mutating func integer() throws(StateError) -> Int64 {
    var (value, shift): (UInt64, UInt64) = (0, 0)
    while true {
      guard position < bytes.count, shift < 64 else { throw StateError("it ends within a number") }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { break }
      shift += 7
    }
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  /// Of things that take a byte or more each, or a place in a series.
  package mutating func count() throws(StateError) -> Int {
    let value = try integer()
    guard value >= 0, value < 1 << 40 else { throw StateError("a count is \(value)") }
    return Int(value)
  }

  package mutating func double() throws(StateError) -> Double {
    guard bytes.count - position >= 8 else { throw StateError("it ends within a number") }
    var bits: UInt64 = 0
    for index in 0..<8 { bits |= UInt64(bytes[position + index]) << UInt64(8 * index) }
    position += 8
    return Double(bitPattern: bits)
  }

  package mutating func text() throws(StateError) -> String {
    let count = try count()
    guard bytes.count - position >= count else { throw StateError("it ends within a text") }
    defer { position += count }
    return String(decoding: bytes[position..<(position + count)], as: UTF8.self)
  }

  /// Throws when fewer bytes are left than `count` things take at least.
  func expect(_ count: Int) throws(StateError) {
    guard bytes.count - position >= count else { throw StateError("it ends early") }
  }

  mutating func column(_ values: inout [Double], from start: Int, by step: Int) throws(StateError) {
    let scale = try integer()
    guard scale >= -1, scale < Decimals.powers.count else { throw StateError("a column has the scale \(scale)") }
    var before: Int64 = 0
    for index in stride(from: start, to: values.count, by: step) {
      if scale < 0 {
        values[index] = try double()
      } else {
        before &+= try integer()
        values[index] = Double(before) / Decimals.powers[Int(scale)]
      }
    }
  }
}
