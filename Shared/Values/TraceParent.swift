/// The `traceparent` header of W3C Trace Context: `00-<32 hex trace id>-<16 hex parent id>-<2 hex flags>`.
///
/// Source: W3C Recommendation "Trace Context", level 1, section 3.2.
package struct TraceParent: Hashable, Sendable {
  package let traceIDHigh: UInt64
  package let traceIDLow: UInt64
  package let parentID: UInt64
  package let flags: UInt8

  package static let textLength = 55

  /// - Returns: nil when the trace id or the parent id is zero, which the standard calls invalid.
  package init?(traceIDHigh: UInt64, traceIDLow: UInt64, parentID: UInt64, flags: UInt8) {
    guard traceIDHigh | traceIDLow != 0, parentID != 0 else { return nil }
    self.init(high: traceIDHigh, low: traceIDLow, parent: parentID, flags: flags)
  }

  private init(high: UInt64, low: UInt64, parent: UInt64, flags: UInt8) {
    traceIDHigh = high
    traceIDLow = low
    parentID = parent
    self.flags = flags
  }

  /// As 32 hexadecimal digits.
  package var traceID: String { String(decoding: bytes[3..<35], as: UTF8.self) }
  /// As 16 hexadecimal digits.
  package var spanID: String { String(decoding: bytes[36..<52], as: UTF8.self) }

  package var isSampled: Bool { flags & 1 != 0 }

  /// A new trace.
  package static func root(sampled: Bool = true, using generator: inout some RandomNumberGenerator) -> TraceParent {
    // The lowest bits are forced to be non-zero, so that no id is the invalid zero.
    TraceParent(high: generator.next(), low: generator.next() | 1, parent: generator.next() | 1, flags: sampled ? 1 : 0)
  }

  package static func root(sampled: Bool = true) -> TraceParent {
    var generator = SystemRandomNumberGenerator()
    return root(sampled: sampled, using: &generator)
  }

  /// The header to send on: same trace and sampling, a new parent id. Flags this version does not know are
  /// cleared, as the standard asks.
  package func child(using generator: inout some RandomNumberGenerator) -> TraceParent {
    TraceParent(high: traceIDHigh, low: traceIDLow, parent: generator.next() | 1, flags: flags & 1)
  }

  package func child() -> TraceParent {
    var generator = SystemRandomNumberGenerator()
    return child(using: &generator)
  }

  /// Parses strictly: lower-case hexadecimal, no surrounding blanks, non-zero ids. A version other than `00` may
  /// carry more fields after the flags, which are ignored; version `ff` is invalid.
  package init?(parsing bytes: RawSpan) {
    guard bytes.byteCount >= Self.textLength,
      let version = bytes.hexadecimal(at: 0, digits: 2), version != 0xff,
      version == 0 ? bytes.byteCount == Self.textLength : true,
      bytes.byteCount == Self.textLength || bytes.byte(Self.textLength) == UInt8(ascii: "-"),
      bytes.byte(2) == UInt8(ascii: "-"), bytes.byte(35) == UInt8(ascii: "-"), bytes.byte(52) == UInt8(ascii: "-"),
      let high = bytes.hexadecimal(at: 3, digits: 16), let low = bytes.hexadecimal(at: 19, digits: 16),
      let parent = bytes.hexadecimal(at: 36, digits: 16), let flags = bytes.hexadecimal(at: 53, digits: 2)
    else { return nil }
    self.init(traceIDHigh: high, traceIDLow: low, parentID: parent, flags: UInt8(flags))
  }

  package init?(_ text: String) {
    var text = text
    let parsed = text.withUTF8 { TraceParent(parsing: UnsafeRawBufferPointer($0).bytes) }
    guard let parsed else { return nil }
    self = parsed
  }

  /// The header's value.
  package var bytes: [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(Self.textLength)
    func put(_ value: UInt64, digits: Int) {
      for shift in stride(from: (digits - 1) * 4, through: 0, by: -4) {
        let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 0xf
        text.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
      }
    }
    put(0, digits: 2)
    text.append(UInt8(ascii: "-"))
    put(traceIDHigh, digits: 16)
    put(traceIDLow, digits: 16)
    text.append(UInt8(ascii: "-"))
    put(parentID, digits: 16)
    text.append(UInt8(ascii: "-"))
    put(UInt64(flags), digits: 2)
    return text
  }
}

extension TraceParent: CustomStringConvertible {
  package var description: String { String(decoding: bytes, as: UTF8.self) }
}

extension RawSpan {
  /// The number that exactly `digits` lower-case hexadecimal digits from `offset` on write; nil for anything else.
  fileprivate func hexadecimal(at offset: Int, digits: Int) -> UInt64? {
    var value: UInt64 = 0
    for position in offset..<(offset + digits) {
      switch byte(position) {
      case let digit where digit &- 0x30 <= 9: value = value << 4 | UInt64(digit &- 0x30)
      case let digit where digit &- 0x61 <= 5: value = value << 4 | UInt64(digit &- 0x57)
      default: return nil
      }
    }
    return value
  }
}
