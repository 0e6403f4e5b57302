/// Takes TradingView's frames apart: `~m~<length>~m~<payload>`, any number of them in one WebSocket message, or one
/// over several. Lengths count UTF-16 units, as JavaScript does. Pure: fed with bytes.
package struct FrameDecoder: Sendable {
  package enum Frame: Hashable, Sendable {
    /// To be answered with the same payload, or the server hangs up.
    case heartbeat([UInt8])
    case message([UInt8])
  }

  package struct Malformed: Error, Hashable, CustomStringConvertible {
    package var description: String
  }

  package let maxPayload: Int
  private var buffer: [UInt8] = []
  private var start = 0

  /// - Parameter maxPayload: in UTF-16 units.
  package init(maxPayload: Int) { self.maxPayload = maxPayload }

  /// Bytes that wait for the rest of their frame.
  package var pendingBytes: Int { buffer.count - start }

  package mutating func feed(_ bytes: some Collection<UInt8>) {
    if start == buffer.count {
      buffer.removeAll(keepingCapacity: buffer.capacity <= 1 << 16)
      start = 0
    } else if start > 1 << 16, start > buffer.count / 2 {
      buffer.removeFirst(start)
      start = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// - Returns: nil until more bytes are fed.
  /// - Throws: `Malformed`; the stream cannot be read on.
  package mutating func next() throws(Malformed) -> Frame? {
    var position = start
    guard try mark(&position) else { return nil }
    guard let length = try length(&position), try mark(&position) else { return nil }
    guard let end = try end(of: length, from: position) else { return nil }
    let payload = Array(buffer[position..<end])
    start = end
    if payload.starts(with: Self.heartbeatMark) {
      guard payload.count <= 24, payload.dropFirst(3).allSatisfy({ (0x30...0x39).contains($0) }) else {
        throw Malformed(description: "a heartbeat that is no number")
      }
      return .heartbeat(payload)
    }
    return .message(payload)
  }

  package static func encode(_ payload: some StringProtocol) -> [UInt8] {
    Array("~m~\(payload.utf16.count)~m~\(payload)".utf8)
  }

  private static let frameMark = Array("~m~".utf8)
  private static let heartbeatMark = Array("~h~".utf8)

  /// - Returns: false when there are not enough bytes to tell.
  private func mark(_ position: inout Int) throws(Malformed) -> Bool {
    for byte in Self.frameMark {
      guard position < buffer.count else { return false }
      guard buffer[position] == byte else {
        throw Malformed(description: "a frame does not begin or go on with ~m~: its length was wrong, or it is none")
      }
      position += 1
    }
    return true
  }

  private func length(_ position: inout Int) throws(Malformed) -> Int? {
    var length = 0
    var digits = 0
    while position < buffer.count, (0x30...0x39).contains(buffer[position]) {
      length = length * 10 + Int(buffer[position] - 0x30)
      digits += 1
      position += 1
      guard digits <= 9, length <= maxPayload else {
        throw Malformed(description: "a frame of more than \(maxPayload) characters")
      }
    }
    if position == buffer.count { return nil }
    guard digits > 0 else { throw Malformed(description: "a frame without a length") }
    return length
  }

  /// Where `units` UTF-16 units after `position` end.
  private func end(of units: Int, from position: Int) throws(Malformed) -> Int? {
    // Every unit is at least one byte, and at most three.
    if buffer.count - position < units { return nil }
    var (position, left) = (position, units)
    while left > 0 {
      guard position < buffer.count else { return nil }
      let size: Int
      switch buffer[position] {
      case 0x00..<0x80: size = 1
      case 0xc2..<0xe0: size = 2
      case 0xe0..<0xf0: size = 3
      case 0xf0..<0xf5: size = 4
      default: throw Malformed(description: "a frame that is not UTF-8")
      }
      left -= size == 4 ? 2 : 1
      guard left >= 0 else { throw Malformed(description: "a frame that ends within a character") }
      guard position + size <= buffer.count else { return nil }
      position += size
    }
    return position
  }
}
