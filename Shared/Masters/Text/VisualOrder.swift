/// Hebrew in the order in which old terminals show it, from left to right: some chains publish `םרג 100 לטפ` for
/// `לפט 100 גרם`. Numbers stand in it as they are read.
enum VisualOrder {
  /// Whether a word begins with the final form of a letter or the name begins with a unit and its number (`ג"ק 2`), while
  /// no word ends in a final form.
  static func isReversed(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    var (starts, place) = (false, 0)
    while place + 1 < text.count {
      guard isLetter(text, place) else {
        place += 1
        continue
      }
      let first = place
      while isLetter(text, place + 2) { place += 2 }
      if place > first {
        if isFinal(text[place + 1]) { return false }
        starts = starts || isFinal(text[first + 1])
      }
      place += 2
    }
    return starts || beginsWithUnit(text)
  }

  /// Writes the text in the order in which it is read: all of it turned round, but for numbers and Latin words.
  /// - Parameter target: as many bytes as the text has.
  static func write(_ text: UnsafeBufferPointer<UInt8>, to target: UnsafeMutablePointer<UInt8>) {
    var (place, end) = (0, text.count)
    while place < text.count {
      let count = run(text, place)
      end -= count
      for offset in 0..<count { target[end + offset] = text[place + offset] }
      place += count
    }
  }

  /// Bytes of the number, Latin word or scalar that begins here.
  private static func run(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
    var end = start + 1
    if isDigit(text, start) {
      while isDigit(text, end) || (isPoint(text, end) && isDigit(text, end + 1)) { end += 1 }
      if end < text.count, text[end] == UInt8(ascii: "%") { end += 1 }
    } else if isLatin(text, start) {
      while isLatin(text, end) { end += 1 }
    } else {
      while end < text.count, text[end] & 0xC0 == 0x80 { end += 1 }
    }
    return end - start
  }

  private static func isDigit(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> Bool {
    place < text.count && 0x30...0x39 ~= text[place]
  }

  private static func isPoint(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> Bool {
    place < text.count && (text[place] == 0x2E || text[place] == 0x2C)
  }

  private static func isLatin(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> Bool {
    place < text.count && 0x61...0x7A ~= text[place] | 0x20
  }

  /// In UTF-8 a Hebrew letter is D7 and one of 90 to AA.
  @inline(__always)
  private static func isLetter(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> Bool {
    place + 1 < text.count && text[place] == 0xD7 && 0x90...0xAA ~= text[place + 1]
  }

  /// ך, ם, ן, ף and ץ.
  private static func isFinal(_ byte: UInt8) -> Bool {
    byte == 0x9A || byte == 0x9D || byte == 0x9F || byte == 0xA3 || byte == 0xA5
  }

  /// `גר`, `מ"ל`, `ליטר` and `ק"ג` and shorter forms, turned round, before a number.
  private static func beginsWithUnit(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    var (place, letters) = (0, UInt64(0))
    while place < text.count, !isDigit(text, place) {
      if isLetter(text, place) {
        guard letters < 1 << 32 else { return false }
        letters = letters << 8 | UInt64(text[place + 1])
        place += 1
      } else if text[place] != 0x20, text[place] != 0x22, text[place] != 0x27 {
        return false
      }
      place += 1
    }
    return place < text.count && units.contains(letters)
  }

  private static let units: Set<UInt64> = Set(["ג", "רג", "מרג", "למ", "ל", "רטיל", "גק"].map { unit in
    unit.utf8.filter { $0 != 0xD7 }.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
  })
}
