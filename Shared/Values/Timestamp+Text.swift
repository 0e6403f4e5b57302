import Core

extension Timestamp: TextForm {
  /// Parses an RFC 3339 date-time, the whole of `bytes`: `2025-01-20T03:00:00+02:00`, `2025-01-20T01:00:00.5Z`.
  ///
  /// One to nine digits of a second's fraction are accepted; those beyond microseconds are cut off. `-00:00`
  /// (offset unknown) is read as UTC. A blank instead of `T`, a missing offset and second 60 are refused.
  package init?(parsing bytes: RawSpan) {
    let count = bytes.byteCount
    guard (20...35).contains(count), bytes.byte(10) | 0x20 == UInt8(ascii: "t") else { return nil }
    // The offset stands behind the local time.
    var end = count - 1
    var offset = 0
    if bytes.byte(end) | 0x20 != UInt8(ascii: "z") {
      end = count - 6
      var areDigits = true
      let hours = bytes.twoDigits(at: end + 1, &areDigits)
      let minutes = bytes.twoDigits(at: end + 4, &areDigits)
      let isWest = bytes.byte(end) == UInt8(ascii: "-")
      guard isWest || bytes.byte(end) == UInt8(ascii: "+"), bytes.byte(end + 3) == UInt8(ascii: ":"), areDigits,
        hours <= 23, minutes <= 59
      else { return nil }
      offset = (hours * 60 + minutes) * (isWest ? -1 : 1)
    }
    guard end >= 19, let local = LocalDateTime(parsing: bytes.extracting(0..<end)) else { return nil }
    self.init(microseconds: local.microseconds - Int64(offset) * 60_000_000, offsetMinutes: offset)
  }

  /// The longest text form: `2025-01-20T03:00:00.123456+02:00`.
  package static let maxTextLength = 32

  /// Writes RFC 3339 with `Z` for offset 0 and a fraction of 0, 3 or 6 digits, the fewest that are exact.
  package func write(to target: UnsafeMutablePointer<UInt8>) -> Int {
    let (seconds, rest) = (microseconds + Int64(offsetMinutes) * 60_000_000).flooredDivision(by: 1_000_000)
    let length = RFC3339.write(seconds: seconds, nanoseconds: rest * 1_000, to: target)
    guard offsetMinutes != 0 else { return length }
    let minutes = UInt8(offsetMinutes.magnitude % 60), hours = UInt8(offsetMinutes.magnitude / 60)
    // In the place of the `Z`.
    target[length - 1] = UInt8(ascii: offsetMinutes < 0 ? "-" : "+")
    (target[length], target[length + 1]) = (0x30 + hours / 10, 0x30 + hours % 10)
    target[length + 2] = UInt8(ascii: ":")
    (target[length + 3], target[length + 4]) = (0x30 + minutes / 10, 0x30 + minutes % 10)
    return length + 5
  }
}

extension RawSpan {
  /// The number that two decimal digits at `offset` write; clears `areDigits` when one is no digit.
  @inline(__always)
  func twoDigits(at offset: Int, _ areDigits: inout Bool) -> Int {
    let (tens, ones) = (byte(offset) &- 0x30, byte(offset + 1) &- 0x30)
    areDigits = areDigits && tens <= 9 && ones <= 9
    return Int(tens) * 10 + Int(ones)
  }
}
