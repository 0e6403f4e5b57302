// Values has its own `byte`: a function of package access is not inlined into another module.
extension RawSpan {
  /// The byte at `offset`.
  /// - Precondition: `0 <= offset < byteCount`; unchecked in release builds, so every caller proves it.
  @inline(__always)
  func byte(_ offset: Int) -> UInt8 {
    assert(offset >= 0 && offset < byteCount)
    return unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// Eight bytes from `offset` on, the first in the lowest bits.
  @inline(__always)
  func word(_ offset: Int) -> UInt64 {
    assert(offset >= 0 && offset + 8 <= byteCount)
    return UInt64(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
  }

  /// The last `count` (1 to 7) bytes, which begin at `offset`, as the low bytes of a word; the others are blanks.
  @inline(__always)
  func lastWord(_ offset: Int, _ count: Int) -> UInt64 {
    assert(offset >= 0 && 1...7 ~= count && offset + count == byteCount)
    var position = offset
    var shift: UInt64 = 0
    var word: UInt64 = 0
    if count & 4 != 0 {
      word = UInt64(UInt32(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt32.self)))
      position &+= 4
      shift = 32
    }
    if count & 2 != 0 {
      let pair = UInt16(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt16.self))
      word |= UInt64(pair) &<< shift
      position &+= 2
      shift &+= 16
    }
    if count & 1 != 0 {
      word |= UInt64(byte(position)) &<< shift
      shift &+= 8
    }
    return word | 0x2020_2020_2020_2020 &<< shift
  }
}
