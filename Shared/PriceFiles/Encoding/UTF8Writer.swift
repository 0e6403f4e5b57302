/// Writes one character as UTF-8 and returns how many bytes it took (1 to 4). Surrogates become U+FFFD.
func writeUTF8(_ scalar: UInt32, to target: UnsafeMutablePointer<UInt8>) -> Int {
  func tail(_ shift: UInt32) -> UInt8 { 0x80 | UInt8(truncatingIfNeeded: scalar >> shift) & 0x3F }
  switch scalar {
  case 0..<0x80:
    target[0] = UInt8(truncatingIfNeeded: scalar)
    return 1
  case 0x80..<0x800:
    target[0] = 0xC0 | UInt8(truncatingIfNeeded: scalar >> 6)
    target[1] = tail(0)
    return 2
  case 0xD800...0xDFFF, 0x110000...:
    return writeUTF8(0xFFFD, to: target)
  case 0x800..<0x10000:
    target[0] = 0xE0 | UInt8(truncatingIfNeeded: scalar >> 12)
    target[1] = tail(6)
    target[2] = tail(0)
    return 3
  default:
    target[0] = 0xF0 | UInt8(truncatingIfNeeded: scalar >> 18)
    target[1] = tail(12)
    target[2] = tail(6)
    target[3] = tail(0)
    return 4
  }
}
