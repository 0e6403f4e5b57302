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

/// A value with one text form, which is read from bytes and written into them.
package protocol TextForm: CustomStringConvertible {
  /// - Returns: nil unless the whole of `bytes` is such a text.
  init?(parsing bytes: RawSpan)
  /// Of the longest text, in bytes.
  static var maxTextLength: Int { get }
  /// - Parameter target: has room for ``maxTextLength`` bytes.
  /// - Returns: how many bytes were written.
  func write(to target: UnsafeMutablePointer<UInt8>) -> Int
}

extension TextForm {
  package init?(_ text: String) {
    var text = text
    guard let value = text.withUTF8({ Self(parsing: UnsafeRawBufferPointer($0).bytes) }) else { return nil }
    self = value
  }

  package var description: String {
    String(unsafeUninitializedCapacity: Self.maxTextLength) { write(to: $0.baseAddress!) }
  }
}
