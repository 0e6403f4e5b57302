import Core
import WebSocket

/// Decodes TradingView's frames: `~m~<length>~m~<payload>`, any number of them in one WebSocket message, or one over
/// several. Lengths count UTF-16 units, as in JavaScript. Pure.
///
/// An unreadable frame loses only itself: decoding continues at the next mark `~m~<length>~m~`.
package struct FrameDecoder: Sendable {
  package enum Frame: Hashable, Sendable {
    /// The client answers with the same payload; otherwise the server closes the connection.
    case heartbeat([UInt8])
    case message([UInt8])
    /// Bytes that are not a frame, up to the next one, with the reason.
    case unreadable(String)
  }

  package struct Malformed: Error, Hashable, CustomStringConvertible {
    package var description: String
  }

  package let maxPayload: Int
  private var buffer: [UInt8] = []
  private var start = 0
  /// Bytes skipped since the last frame, during the search for the next mark; nil: a frame begins at `start`.
  private var skipped: Int?
  /// In the incomplete payload, no mark begins before this place.
  private var searched = 0

  /// - Parameter maxPayload: in UTF-16 units.
  package init(maxPayload: Int) { self.maxPayload = maxPayload }

  /// Bytes of the incomplete frame.
  package var pendingBytes: Int { buffer.count - start }

  package mutating func feed(_ bytes: some Collection<UInt8>) {
    if start == buffer.count {
      buffer.removeAll(keepingCapacity: buffer.capacity <= 1 << 16)
      (start, searched) = (0, 0)
    } else if start > 1 << 16, start > buffer.count / 2 {
      buffer.removeFirst(start)
      searched = max(0, searched - start)
      start = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// - Returns: nil until more bytes are fed.
  /// - Throws: `Malformed` when more bytes than a frame may have contain no frame: the stream is not TradingView's.
  package mutating func next() throws(Malformed) -> Frame? {
    if skipped != nil {
      guard try findMark() else { return nil }
    }
    switch mark(at: start) {
    case .none: return lose("a frame does not begin with ~m~ and its length", from: start + 1)
    case .unfinished: return nil
    case .found(let length, let payload): return frame(of: length, at: payload)
    }
  }

  package static func encode(_ payload: some StringProtocol) -> [UInt8] {
    Array("~m~\(payload.utf16.count)~m~\(payload)".utf8)
  }

  private static let frameMark = Array("~m~".utf8)
  private static let heartbeatMark = Array("~h~".utf8)
  /// No length has more digits.
  private static let maxDigits = 9

  // MARK: Marks

  private enum Mark {
    case none, unfinished
    /// - payload: where it begins.
    case found(length: Int, payload: Int)
  }

  private func mark(at place: Int) -> Mark {
    var position = place
    for byte in Self.frameMark {
      guard position < buffer.count else { return .unfinished }
      guard buffer[position] == byte else { return .none }
      position += 1
    }
    var length = 0
    let first = position
    while position < buffer.count, (0x30...0x39).contains(buffer[position]) {
      guard position - first < Self.maxDigits else { return .none }
      length = length * 10 + Int(buffer[position] - 0x30)
      position += 1
    }
    guard position > first || position == buffer.count else { return .none }
    for byte in Self.frameMark {
      guard position < buffer.count else { return .unfinished }
      guard buffer[position] == byte else { return .none }
      position += 1
    }
    return .found(length: length, payload: position)
  }

  /// Moves `start` to the next mark, or to a possible beginning of one.
  /// - Returns: false without a mark so far.
  private mutating func findMark() throws(Malformed) -> Bool {
    let before = start
    while start < buffer.count {
      if buffer[start] == Self.frameMark[0] {
        switch mark(at: start) {
        case .none: break
        case .unfinished: return try noteSkipped(start - before, isFound: false)
        case .found: return try noteSkipped(start - before, isFound: true)
        }
      }
      start += 1
    }
    return try noteSkipped(start - before, isFound: false)
  }

  private mutating func noteSkipped(_ count: Int, isFound: Bool) throws(Malformed) -> Bool {
    let total = (skipped ?? 0) + count
    guard total <= maxPayload else { throw Malformed(description: "\(total) bytes that hold no frame") }
    skipped = isFound ? nil : total
    return isFound
  }

  private mutating func lose(_ reason: String, from place: Int) -> Frame {
    start = min(place, buffer.count)
    (skipped, searched) = (0, start)
    return .unreadable(reason)
  }

  // MARK: Payloads

  private mutating func frame(of length: Int, at payload: Int) -> Frame? {
    guard length <= maxPayload else { return lose("a frame of more than \(maxPayload) characters", from: payload) }
    let end: Int
    switch self.end(of: length, from: payload) {
    case .found(let place): end = place
    case .unfinished:
      // The length is wrong when another frame begins before it ends.
      if holdsMark(from: payload) { return lose("a frame is shorter than its length says", from: payload) }
      return nil
    case .broken(let reason): return lose(reason, from: payload)
    }
    // It is also wrong when no other frame begins at its end.
    let isFollowed = zip(buffer[end...], Self.frameMark).allSatisfy { $0 == $1 }
    guard isFollowed else { return lose("a frame does not end where its length says", from: payload) }
    let bytes = Array(buffer[payload..<end])
    (start, searched) = (end, end)
    guard bytes.starts(with: Self.heartbeatMark) else { return .message(bytes) }
    guard bytes.count <= 24, bytes.dropFirst(3).allSatisfy({ (0x30...0x39).contains($0) }) else {
      return .unreadable("a heartbeat that is no number")
    }
    return .heartbeat(bytes)
  }

  private mutating func holdsMark(from payload: Int) -> Bool {
    searched = max(searched, payload)
    while searched < buffer.count {
      if buffer[searched] == Self.frameMark[0] {
        switch mark(at: searched) {
        case .none: break
        case .unfinished: return false
        case .found: return true
        }
      }
      searched += 1
    }
    return false
  }

  private enum End {
    case found(Int)
    case unfinished
    case broken(String)
  }

  /// Where `units` UTF-16 units after `position` end.
  private func end(of units: Int, from position: Int) -> End {
    // Every unit is at least one byte, and at most three.
    if buffer.count - position < units { return .unfinished }
    var (position, left) = (position, units)
    while left > 0 {
      guard position < buffer.count else { return .unfinished }
      let size: Int
      switch buffer[position] {
      case 0x00..<0x80: size = 1
      case 0xc2..<0xe0: size = 2
      case 0xe0..<0xf0: size = 3
      case 0xf0..<0xf5: size = 4
      default: return .broken("a frame that is not UTF-8")
      }
      left -= size == 4 ? 2 : 1
      guard left >= 0 else { return .broken("a frame that ends within a character") }
      guard position + size <= buffer.count else { return .unfinished }
      position += size
    }
    return .found(position)
  }
}

/// What comes in on a connection.
enum Incoming: Sendable {
  case message([UInt8])
  /// A frame that could not be read, with the reason; those behind it can.
  case unreadable(String)
}

/// Takes WebSocket messages apart into TradingView's own, and answers heartbeats as they arrive.
struct TradingViewDecoder: WebSocketDecoder {
  private var frames: FrameDecoder

  init(maxMessageBytes: Int) { frames = FrameDecoder(maxPayload: maxMessageBytes) }

  mutating func decode(
    _ message: WebSocketMessage, reply: (WebSocketMessage) -> Void
  ) throws(WebSocketError) -> [Incoming] {
    frames.feed(message.bytes)
    var incoming: [Incoming] = []
    do {
      while let frame = try frames.next() {
        switch frame {
        case .heartbeat(let payload): reply(.text(FrameDecoder.encode(String(decoding: payload, as: UTF8.self))))
        case .message(let payload): incoming.append(.message(payload))
        case .unreadable(let reason): incoming.append(.unreadable(reason))
        }
      }
    } catch {
      throw WebSocketError(.protocolBroken, "\(error)")
    }
    return incoming
  }
}
