import Values

extension RawSpan {
  /// How many bytes the UTF-8 sequence at `offset` has; 0 when it is malformed or cut off.
  ///
  /// Source: The Unicode Standard, table 3-7 "Well-Formed UTF-8 Byte Sequences".
  @inline(__always)
  func utf8SequenceLength(at offset: Int) -> Int {
    let lead = byte(offset)
    if lead < 0x80 { return 1 }
    let available = byteCount - offset
    if lead < 0xe0 {
      guard lead >= 0xc2, available >= 2, isContinuation(offset + 1) else { return 0 }
      return 2
    }
    if lead < 0xf0 {
      guard available >= 3, isContinuation(offset + 1), isContinuation(offset + 2) else { return 0 }
      let second = byte(offset + 1)
      // E0 must not be an overlong form, ED must not be a surrogate.
      if lead == 0xe0 { return second >= 0xa0 ? 3 : 0 }
      if lead == 0xed { return second <= 0x9f ? 3 : 0 }
      return 3
    }
    guard lead <= 0xf4, available >= 4,
      isContinuation(offset + 1), isContinuation(offset + 2), isContinuation(offset + 3)
    else { return 0 }
    let second = byte(offset + 1)
    // F0 must not be an overlong form, F4 must not pass U+10FFFF.
    if lead == 0xf0 { return second >= 0x90 ? 4 : 0 }
    if lead == 0xf4 { return second <= 0x8f ? 4 : 0 }
    return 4
  }

  @inline(__always)
  private func isContinuation(_ offset: Int) -> Bool { byte(offset) & 0xc0 == 0x80 }

  /// True when the eight bytes from `offset` on are four well-formed two-byte sequences, as in Hebrew, Arabic,
  /// Greek and Cyrillic words.
  @inline(__always)
  func isFourPairs(_ word: UInt64) -> Bool {
    // Lead bytes are 110xxxxx with one of the upper four x set (C0 and C1 would be overlong), then 10xxxxxx.
    guard word & 0xc0e0_c0e0_c0e0_c0e0 == 0x80c0_80c0_80c0_80c0 else { return false }
    let payload = word & 0x001e_001e_001e_001e
    return (payload &+ 0x00fe_00fe_00fe_00fe) & 0x0100_0100_0100_0100 == 0x0100_0100_0100_0100
  }
}

/// The high bit of each byte of `word` that cannot be copied as it is between JSON quotes: control characters,
/// the quote and the backslash. Bits above the lowest that is set may be wrong, because borrows run upwards.
@inline(__always)
func needsEscape(_ word: UInt64) -> UInt64 {
  let ones: UInt64 = 0x0101_0101_0101_0101
  let quote = word ^ (ones &* 0x22)
  let backslash = word ^ (ones &* 0x5c)
  let control = (word &- (ones &* 0x20)) & ~word
  return (control | ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)) & (ones &* 0x80)
}

/// The high bit of each byte that is not plain ASCII text within a JSON string; as `needsEscape`.
@inline(__always)
func needsAttention(_ word: UInt64) -> UInt64 { needsEscape(word) | (word & 0x8080_8080_8080_8080) }

/// Whether `word` holds nothing but ASCII and well-formed two-byte sequences, going on from the word before.
///
/// - Parameter pending: 0x80 when the byte before the word is the lead of a sequence, else 0.
/// - Returns: with the same for the word that follows.
@inline(__always)
func shortSequences(_ word: UInt64, _ pending: UInt64) -> (isShort: Bool, pending: UInt64) {
  let high = word & 0x8080_8080_8080_8080
  // Bits 6 and 5 of each byte, moved to where bit 7 was.
  let lead = high & (word << 1)
  let continuation = high & ~(word << 1)
  let longLead = lead & (word << 2)
  // 0xC0 and 0xC1 would be overlong: bits 1 to 4 of a lead must not all be 0. The sums stay within a byte.
  let isLongEnough = (word & 0x1e1e_1e1e_1e1e_1e1e) &+ 0x7e7e_7e7e_7e7e_7e7e
  let wrong = longLead | (lead & ~isLongEnough) | (continuation ^ (lead << 8 | pending))
  return (wrong == 0, lead >> 56)
}
