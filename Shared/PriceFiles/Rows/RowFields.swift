/// The fields of the current row: the position of each, and the clean text of those that need cleaning.
struct RowFields: ~Copyable {
  /// A range of the window, or of `side` once `isClean`.
  private struct Place {
    var start: Int
    var end: Int
    var isSpecial: Bool
    var isClean: Bool
  }

  private let places: UnsafeMutablePointer<Place>
  private let resolved: UnsafeMutablePointer<UnsafeBufferPointer<UInt8>>
  private let side: UnsafeMutablePointer<UInt8>
  private var sideUsed = 0
  /// One bit for each field that is present.
  private var present: UInt32 = 0
  var text = FieldText()

  /// - Parameter rowBytes: the longest row.
  init(rowBytes: Int) {
    places = .allocate(capacity: PriceField.count)
    resolved = .allocate(capacity: PriceField.count)
    resolved.initialize(repeating: UnsafeBufferPointer(start: nil, count: 0), count: PriceField.count)
    side = .allocate(capacity: FieldText.room(for: rowBytes))
  }

  deinit {
    places.deallocate()
    resolved.deallocate()
    side.deallocate()
  }

  mutating func clear() {
    present = 0
    sideUsed = 0
  }

  @inline(__always)
  func has(_ field: Int) -> Bool { present & (1 << UInt32(field)) != 0 }

  @inline(__always)
  mutating func set(_ field: Int, start: Int, end: Int, isSpecial: Bool) {
    present |= 1 << UInt32(field)
    (places + field).initialize(to: Place(start: start, end: end, isSpecial: isSpecial, isClean: false))
  }

  /// Appends a piece to a field whose text is interrupted by comments or CDATA sections.
  mutating func append(
    _ field: Int, _ piece: UnsafeBufferPointer<UInt8>, isCDATA: Bool, base: UnsafeMutablePointer<UInt8>
  ) {
    if !has(field) { set(field, start: 0, end: 0, isSpecial: false) }
    if !places[field].isClean {
      let place = places[field]
      let start = sideUsed
      clean(UnsafeBufferPointer(start: base + place.start, count: place.end - place.start), resolving: true)
      places[field] = Place(start: start, end: sideUsed, isSpecial: false, isClean: true)
    }
    // Only the current field grows, so its clean text is the last in `side`.
    clean(piece, resolving: !isCDATA)
    places[field].end = sideUsed
  }

  /// Adjusts the positions after the window moved its bytes by `shift`.
  mutating func move(by shift: Int) {
    guard shift > 0 else { return }
    for field in 0..<PriceField.count where has(field) && !places[field].isClean {
      places[field].start -= shift
      places[field].end -= shift
    }
  }

  /// The trimmed, clean text of every field; empty for absent ones.
  mutating func resolve(_ base: UnsafeMutablePointer<UInt8>) -> UnsafePointer<UnsafeBufferPointer<UInt8>> {
    for field in 0..<PriceField.count {
      guard has(field) else {
        resolved[field] = UnsafeBufferPointer(start: nil, count: 0)
        continue
      }
      let place = places[field]
      if place.isClean {
        resolved[field] = Self.trimmed(side + place.start, side + place.end)
      } else if place.isSpecial {
        let start = sideUsed
        clean(UnsafeBufferPointer(start: base + place.start, count: place.end - place.start), resolving: true)
        resolved[field] = Self.trimmed(side + start, side + sideUsed)
      } else {
        resolved[field] = Self.trimmed(base + place.start, base + place.end)
      }
    }
    return UnsafePointer(resolved)
  }

  /// Clears a resolved field.
  func forget(_ field: PriceField) {
    resolved[Int(field.rawValue)] = UnsafeBufferPointer(start: nil, count: 0)
  }

  private mutating func clean(_ source: UnsafeBufferPointer<UInt8>, resolving: Bool) {
    sideUsed += text.clean(source, resolving: resolving, into: side + sideUsed)
  }

  @inline(__always)
  private static func trimmed(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) -> UnsafeBufferPointer<UInt8> {
    var (start, end) = (start, end)
    while start < end, start[0] <= 0x20 { start += 1 }
    while end > start, end[-1] <= 0x20 { end -= 1 }
    return UnsafeBufferPointer(start: start, count: end - start)
  }
}
