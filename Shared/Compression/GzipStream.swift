import CIsal

/// An inflate state for gzip members, of Intel's ISA-L: streaming like zlib's, in less than half the time. It checks
/// the CRC and the length of each member. The header is read here, because ISA-L 2.30 misreads one that arrives in
/// several pieces.
///
/// The state is 100 KB and lives on the heap.
package final class GzipStream {
  private let state: UnsafeMutablePointer<inflate_state>
  private var code: Int32 = ISAL_DECOMP_OK
  /// nil after the member's header.
  private var header: GzipHeader? = GzipHeader()

  package init() {
    state = .allocate(capacity: 1)
    isal_inflate_init(state)
    reset()
  }

  deinit { state.deallocate() }

  /// Call before the first member and each that follows.
  package func reset() {
    isal_inflate_reset(state)
    // Verify the checksum and the length after the data; expect no header.
    state.pointee.crc_flag = UInt32(ISAL_GZIP_NO_HDR_VER)
    header = GzipHeader()
    code = ISAL_DECOMP_OK
  }

  /// Inflates as much of `input` into `target` as fits.
  package func step(
    _ input: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> (step: InflateStream.Step, consumed: Int, produced: Int) {
    guard let (read, progress) = header?.read(input) else { return inflate(input, into: target) }
    switch progress {
    case .needsMore: return (.progress, read, 0)
    case .invalid:
      code = ISAL_INVALID_WRAPPER
      return (.invalid, read, 0)
    case .ended:
      header = nil
      let rest = inflate(UnsafeRawBufferPointer(rebasing: input[read...]), into: target)
      return (rest.step, read + rest.consumed, rest.produced)
    }
  }

  private func inflate(
    _ input: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> (step: InflateStream.Step, consumed: Int, produced: Int) {
    let available = min(input.count, Int(Int32.max))
    let room = min(target.count, Int(Int32.max))
    // ISA-L does not write through next_in.
    state.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    state.pointee.avail_in = UInt32(available)
    state.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
    state.pointee.avail_out = UInt32(room)
    code = isal_inflate(state)
    let consumed = available - Int(state.pointee.avail_in)
    let produced = room - Int(state.pointee.avail_out)
    if code < 0 { return (.invalid, consumed, produced) }
    return (state.pointee.block_state == ISAL_BLOCK_FINISH ? .ended : .progress, consumed, produced)
  }

  package var hasWrongChecksum: Bool { code == ISAL_INCORRECT_CHECKSUM }

  /// The error in words, never file content.
  package var reason: String {
    switch code {
    case ISAL_INVALID_BLOCK: "invalid block"
    case ISAL_INVALID_SYMBOL: "invalid symbol"
    case ISAL_INVALID_LOOKBACK: "invalid distance too far back"
    case ISAL_INVALID_WRAPPER: "invalid header"
    case ISAL_UNSUPPORTED_METHOD: "unknown compression method"
    case ISAL_INCORRECT_CHECKSUM: "incorrect data check"
    default: "invalid data"
    }
  }
}

/// Skips the header of a gzip member (RFC 1952, section 2.3), in any pieces.
///
/// Nothing is kept: names and times of files come from elsewhere. The header's own checksum (FHCRC) is not verified.
struct GzipHeader: Sendable {
  enum Progress: Hashable, Sendable {
    case needsMore, ended, invalid
  }

  private enum Part: Sendable {
    /// Bytes of the fixed part read so far.
    case fixed(Int)
    case extraLength(low: UInt8?)
    case extra(left: Int)
    case name, comment
    case checksum(left: Int)
  }
  private var part = Part.fixed(0)
  private var flags: UInt8 = 0

  /// - Returns: the number of bytes of `input` that belong to the header, and the progress after them.
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

  /// Continues with `next`, or with the first part that the flags announce after the flag `done`.
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
