import CIsal

/// One inflate state for gzip members, of Intel's ISA-L: streaming like zlib's, in less than half the time. It checks
/// the CRC and the length of each member. The header is read here, because ISA-L 2.30 misreads one that comes in
/// several pieces.
///
/// ISA-L copies its state only within itself, but it is 100 KB and lives on the heap.
package final class GzipStream {
  private let state: UnsafeMutablePointer<inflate_state>
  private var code: Int32 = ISAL_DECOMP_OK
  /// nil once the member's header is read.
  private var header: GzipHeader? = GzipHeader()

  package init() {
    state = .allocate(capacity: 1)
    isal_inflate_init(state)
    reset()
  }

  deinit { state.deallocate() }

  /// Before the first member and each that follows.
  package func reset() {
    isal_inflate_reset(state)
    // The checksum and the length behind the data are verified, the header is not expected.
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

  /// What is wrong, in words; never file content.
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
