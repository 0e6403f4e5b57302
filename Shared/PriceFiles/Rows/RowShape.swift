/// The literal shape of this file's rows, learned from earlier rows: the order of elements, the blanks before them, and
/// how they close.
///
/// One program writes all rows of a file, so the next tag is nearly always the one at the same place in the previous
/// row. Comparing it takes a few word loads; identifying it takes a walk over its bytes. A wrong guess costs only the
/// comparison: the tokenizer reads that element, and the shape is corrected.
struct RowShape: ~Copyable {
  static let maximumSlots = 40
  /// Longer tags, with their blanks, are not predicted.
  static let maximumLiteral = 88
  private static let stride = 96

  /// One literal: bytes in the arena.
  struct Literal {
    var offset: Int32
    var count: Int32 = 0
  }

  struct Slot {
    /// Blanks and `<Name>`.
    var open: Literal
    /// `</Name>`.
    var close: Literal
    /// Blanks and `<Name/>`, as written.
    var empty: Literal
    var nameOffset: Int32 = 0
    var nameCount: Int32 = 0
    /// The raw value of the field, or -1 for an unused element.
    var field: Int8 = -1
    var isUnknown = false
    /// How often an unknown element was skipped here.
    var unknownCount = 0
  }

  let arena: UnsafeMutablePointer<UInt8>
  let slots: UnsafeMutablePointer<Slot>
  private(set) var count = 0
  /// Blanks and the row's end tag; blanks and the next row's start tag.
  private(set) var rowEnd: Literal
  private(set) var rowStart: Literal
  private var rowName: [UInt8] = []

  init() {
    let size = (Self.maximumSlots * 3 + 2) * Self.stride
    arena = .allocate(capacity: size)
    arena.initialize(repeating: 0, count: size)
    slots = .allocate(capacity: Self.maximumSlots)
    rowEnd = Literal(offset: Int32(Self.maximumSlots * 3 * Self.stride))
    rowStart = Literal(offset: Int32((Self.maximumSlots * 3 + 1) * Self.stride))
  }

  deinit {
    arena.deallocate()
    slots.deallocate()
  }

  /// True when the bytes at `text` equal the literal. Reads whole words: up to 7 bytes past the literal.
  ///
  /// A guess is nearly always right, so all words are compared before branching; the last ones overlap.
  @inline(__always)
  func matches(_ text: UnsafePointer<UInt8>, _ literal: Literal) -> Bool {
    let text = UnsafeRawPointer(text)
    let expected = UnsafeRawPointer(arena + Int(literal.offset))
    let count = Int(literal.count)
    if count >= 16 {
      var difference = Self.difference(text, expected, count &- 16) | Self.difference(text, expected, count &- 8)
      var position = 0
      while position < count &- 16 {
        difference |= Self.difference(text, expected, position) | Self.difference(text, expected, position &+ 8)
        position &+= 16
      }
      return difference == 0
    }
    if count >= 8 {
      return Self.difference(text, expected, 0) | Self.difference(text, expected, count &- 8) == 0
    }
    if count == 0 { return false }
    return UInt64(littleEndian: Self.difference(text, expected, 0)) &<< UInt64(64 &- 8 &* count) == 0
  }

  @inline(__always)
  private static func difference(_ text: UnsafeRawPointer, _ expected: UnsafeRawPointer, _ offset: Int) -> UInt64 {
    text.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      ^ expected.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
  }

  mutating func learnRowEnd(_ bytes: UnsafeBufferPointer<UInt8>) { Self.store(bytes, arena, in: &rowEnd) }
  mutating func learnRowStart(_ bytes: UnsafeBufferPointer<UInt8>) { Self.store(bytes, arena, in: &rowStart) }

  /// True for the name of the rows so far.
  func isRow(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    name.count == rowName.count && name.elementsEqual(rowName)
  }

  /// Begins a row called `name`: end tags of rows with another name are discarded.
  mutating func beginRow(_ name: UnsafeBufferPointer<UInt8>) {
    guard !name.elementsEqual(rowName) else { return }
    rowName = Array(name)
    rowEnd.count = 0
    rowStart.count = 0
  }

  /// Records that the element `name` followed `index` elements of a row.
  /// - Returns: its slot; nil when there is no room.
  mutating func place(_ name: UnsafeBufferPointer<UInt8>, after index: Int, meaning: ElementMeaning) -> Int? {
    if let known = find(name, from: index) ?? find(name, from: 0) { return known }
    guard count < Self.maximumSlots, index <= count, name.count <= Self.maximumLiteral - 8 else { return nil }
    // A slot keeps its arena space when it moves; the new slot takes that of the first unused one.
    let base = Int32(count * 3 * Self.stride)
    var slot = Slot(
      open: Literal(offset: base), close: Literal(offset: base + Int32(Self.stride)),
      empty: Literal(offset: base + Int32(2 * Self.stride)))
    slot.isUnknown = meaning == .unknown
    if case .field(let field) = meaning { slot.field = Int8(field.rawValue) }
    // The name is stored in the close literal, which every element has or could have.
    let close = arena + Int(slot.close.offset)
    close[0] = UInt8(ascii: "<")
    close[1] = UInt8(ascii: "/")
    for (offset, byte) in name.enumerated() { close[2 + offset] = byte }
    close[2 + name.count] = UInt8(ascii: ">")
    slot.close.count = Int32(name.count + 3)
    slot.nameOffset = slot.close.offset + 2
    slot.nameCount = Int32(name.count)
    var position = count
    while position > index {
      (slots + position).initialize(to: slots[position - 1])
      position -= 1
    }
    (slots + index).initialize(to: slot)
    count += 1
    return index
  }

  mutating func learnOpen(_ slot: Int, _ bytes: UnsafeBufferPointer<UInt8>) {
    Self.store(bytes, arena, in: &slots[slot].open)
  }

  mutating func learnEmpty(_ slot: Int, _ bytes: UnsafeBufferPointer<UInt8>) {
    Self.store(bytes, arena, in: &slots[slot].empty)
  }

  /// Unknown elements that were skipped, by name.
  func forEachUnknown(_ body: (UnsafeBufferPointer<UInt8>, Int) -> Void) {
    for index in 0..<count where slots[index].unknownCount > 0 {
      let slot = slots[index]
      let name = UnsafeBufferPointer<UInt8>(start: arena + Int(slot.nameOffset), count: Int(slot.nameCount))
      body(name, slot.unknownCount)
    }
  }

  private func find(_ name: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    for index in Swift.stride(from: start, to: count, by: 1) {
      let slot = slots[index]
      guard Int(slot.nameCount) == name.count else { continue }
      let known = UnsafeBufferPointer(start: arena + Int(slot.nameOffset), count: name.count)
      if name.elementsEqual(known) { return index }
    }
    return nil
  }

  private static func store(
    _ bytes: UnsafeBufferPointer<UInt8>, _ arena: UnsafeMutablePointer<UInt8>, in literal: inout Literal
  ) {
    guard let source = bytes.baseAddress, bytes.count <= maximumLiteral else {
      literal.count = 0
      return
    }
    (arena + Int(literal.offset)).update(from: source, count: bytes.count)
    literal.count = Int32(bytes.count)
  }
}
