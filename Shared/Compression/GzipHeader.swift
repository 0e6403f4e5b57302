/// Reads past the header of a gzip member (RFC 1952, section 2.3), however it is cut into pieces.
///
/// Nothing of it is kept: names and times of files come from elsewhere. Its own checksum (FHCRC) is not checked.
struct GzipHeader: Sendable {
  enum Progress: Hashable, Sendable {
    case needsMore, ended, invalid
  }

  private enum Part: Sendable {
    /// Bytes of the fixed part that were read.
    case fixed(Int)
    case extraLength(low: UInt8?)
    case extra(left: Int)
    case name, comment
    case checksum(left: Int)
  }
  private var part = Part.fixed(0)
  private var flags: UInt8 = 0

  /// - Returns: how many bytes of `input` belong to the header, and how it stands after them.
  mutating func read(_ input: UnsafeRawBufferPointer) -> (count: Int, progress: Progress) {
    for (index, byte) in input.enumerated() {
      switch take(byte) {
      case .needsMore: continue
      case let end: return (index + 1, end)
      }
    }
    return (input.count, .needsMore)
  }

  private mutating func take(_ byte: UInt8) -> Progress {
    switch part {
    case .fixed(let index):
      switch index {
      case 0: guard byte == 0x1f else { return .invalid }
      case 1: guard byte == 0x8b else { return .invalid }
      // Deflate is the only method there is.
      case 2: guard byte == 8 else { return .invalid }
      case 3:
        guard byte & 0xe0 == 0 else { return .invalid }
        flags = byte
      default: break
      }
      part = .fixed(index + 1)
      return index == 9 ? enter(flags & 4 != 0 ? .extraLength(low: nil) : nil, after: 4) : .needsMore
    case .extraLength(low: nil): part = .extraLength(low: byte)
    case .extraLength(let low?):
      let length = Int(low) | Int(byte) << 8
      return enter(length > 0 ? .extra(left: length) : nil, after: 4)
    case .extra(let left):
      if left == 1 { return enter(nil, after: 4) }
      part = .extra(left: left - 1)
    case .name: if byte == 0 { return enter(nil, after: 8) }
    case .comment: if byte == 0 { return enter(nil, after: 16) }
    case .checksum(let left):
      if left == 1 { return .ended }
      part = .checksum(left: left - 1)
    }
    return .needsMore
  }

  /// Goes on to `next`, or to the first part that the flags announce behind the one of the flag `done`.
  private mutating func enter(_ next: Part?, after done: UInt8) -> Progress {
    if let next {
      part = next
    } else if done < 8, flags & 8 != 0 {
      part = .name
    } else if done < 16, flags & 16 != 0 {
      part = .comment
    } else if flags & 2 != 0 {
      part = .checksum(left: 2)
    } else {
      return .ended
    }
    return .needsMore
  }
}
