extension RawSpan {
  /// The byte at `offset`.
  /// - Precondition: `0 <= offset < byteCount`; unchecked in release builds, so every caller proves it.
  @inline(__always)
  func byte(_ offset: Int) -> UInt8 {
    assert(offset >= 0 && offset < byteCount)
    return unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// True when the bytes are exactly those of `text`.
  package func equals(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { utf8 in
      guard utf8.count == byteCount else { return false }
      for index in 0..<utf8.count where utf8[index] != byte(index) { return false }
      return true
    }
  }
}
