import CZlib

/// An inflate state of zlib, for ZIP entries. zlib keeps a pointer to its `z_stream`, so it lives on the heap and never
/// moves.
package final class InflateStream {
  package enum Step: Equatable { case progress, ended, invalid }

  private let stream: UnsafeMutablePointer<z_stream>

  /// - Returns: nil when zlib cannot allocate memory.
  package init?() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15 is the largest window; negative expects no wrapper.
    let code = inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK else {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Inflates as much of `input` into `target` as fits.
  package func step(
    _ input: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> (step: Step, consumed: Int, produced: Int) {
    let available = min(input.count, Int(UInt32.max))
    let room = min(target.count, Int(UInt32.max))
    // zlib does not write through next_in; its C declaration predates const.
    stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: Bytef.self))
    stream.pointee.avail_in = UInt32(available)
    stream.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: Bytef.self)
    stream.pointee.avail_out = UInt32(room)
    let code = inflate(stream, Z_NO_FLUSH)
    let consumed = available - Int(stream.pointee.avail_in)
    let produced = room - Int(stream.pointee.avail_out)
    return switch code {
    case Z_STREAM_END: (.ended, consumed, produced)
    case Z_OK, Z_BUF_ERROR: (.progress, consumed, produced)
    default: (.invalid, consumed, produced)
    }
  }

  /// zlib's error message: static text of the library, never file content.
  package var reason: String { stream.pointee.msg.map { String(cString: $0) } ?? "invalid data" }
}
