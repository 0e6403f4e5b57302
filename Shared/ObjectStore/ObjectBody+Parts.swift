import Core
import Glibc
import HTTP

extension ObjectBody {
  /// Hands a part to `take` in pieces; of a file no more than one piece is held.
  func read(offset: Int, length: Int, _ take: (UnsafeRawBufferPointer) throws -> Void) throws {
    switch source {
    case .bytes(let bytes):
      try bytes.withUnsafeBytes { try take(UnsafeRawBufferPointer(rebasing: $0[offset..<offset + length])) }
    case .file(let descriptor):
      var chunk = [UInt8](repeating: 0, count: 128 << 10)
      var position = offset
      while position < offset + length {
        let read = pread(descriptor, &chunk, min(chunk.count, offset + length - position), off_t(position))
        if read < 0, errno == EINTR { continue }
        guard read >= 0 else { throw FileTree.failure("cannot read the file that is being stored") }
        guard read > 0 else {
          throw ObjectStoreError(.damagedInTransit, "the file that is being stored has become shorter")
        }
        try chunk.withUnsafeBytes { try take(UnsafeRawBufferPointer(rebasing: $0[..<read])) }
        position += read
      }
    }
  }

  /// A part as the body of a request.
  func payload(offset: Int, length: Int) -> HTTPRequest.Body {
    switch source {
    case .bytes(let bytes): length == bytes.count ? .bytes(bytes) : .bytes(Array(bytes[offset..<offset + length]))
    case .file(let descriptor): .file(descriptor: descriptor, offset: offset, length: length)
    }
  }
}
