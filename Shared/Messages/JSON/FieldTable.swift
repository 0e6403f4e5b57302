import Values

/// The known field names of one kind of object, ready for fast comparison with keys in a buffer.
///
/// `Field` lists the names as its raw values, in the order they are usually written: a key is compared first with
/// the successor of the one before. At most 64 names of at most 23 bytes each, none of which needs escaping.
package struct FieldTable<Field: RawRepresentable & CaseIterable & Sendable>: Sendable where Field.RawValue == String {
  package let fields: [Field]
  package let names: FieldNames

  package init(_: Field.Type = Field.self) {
    fields = Array(Field.allCases)
    names = FieldNames(fields.map(\.rawValue))
  }

  /// The bits of `ObjectCursor.seen` for some fields.
  package func mask(_ wanted: Field...) -> UInt64 {
    var bits: UInt64 = 0
    for (index, field) in fields.enumerated() where wanted.contains(where: { $0.rawValue == field.rawValue }) {
      bits |= 1 << UInt64(index)
    }
    return bits
  }

  /// All fields.
  package var all: UInt64 { fields.count == 64 ? .max : (1 << UInt64(fields.count)) - 1 }
}

/// The names of a ``FieldTable``, apart from what they stand for, so that the reader's loop is compiled once and
/// not for each kind of object.
package struct FieldNames: Sendable {
  /// A name with its closing quote, as three words with the first byte lowest, and which bits of them count.
  struct Entry: Sendable {
    let name: InlineArray<3, UInt64>
    let mask: InlineArray<3, UInt64>
    let length: Int
  }

  /// Kept as long as the process runs, as all tables are: no reader counts references to them.
  nonisolated(unsafe) let entries: UnsafeBufferPointer<Entry>
  nonisolated(unsafe) package let texts: UnsafeBufferPointer<String>

  package init(_ names: [String]) {
    precondition(names.count <= 64, "a field table holds at most 64 names")
    texts = Self.kept(names)
    entries = Self.kept(names.map { text in
      let quoted = Array(text.utf8) + [UInt8(ascii: "\"")]
      precondition(quoted.count <= 24, "a field name has at most 23 bytes")
      var name = InlineArray<3, UInt64>(repeating: 0)
      var mask = InlineArray<3, UInt64>(repeating: 0)
      for (index, byte) in quoted.enumerated() {
        name[index / 8] |= UInt64(byte) << UInt64(index % 8 * 8)
        mask[index / 8] |= 0xff << UInt64(index % 8 * 8)
      }
      return Entry(name: name, mask: mask, length: quoted.count - 1)
    })
  }

  private static func kept<Element>(_ elements: [Element]) -> UnsafeBufferPointer<Element> {
    let kept = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
    _ = kept.initialize(from: elements)
    return UnsafeBufferPointer(kept)
  }

  /// The field whose name and closing quote stand at `offset`, and how long the name is.
  @inline(__always)
  func match(_ bytes: RawSpan, at offset: Int, expected: Int) -> (index: Int, length: Int)? {
    // Near the end of the buffer whole words cannot be loaded.
    guard offset + 24 <= bytes.byteCount else { return nil }
    let first = bytes.word(offset)
    if expected < entries.count, Self.matches(entries[expected], bytes, offset, first) {
      return (expected, entries[expected].length)
    }
    for index in entries.indices where Self.matches(entries[index], bytes, offset, first) {
      return (index, entries[index].length)
    }
    return nil
  }

  @inline(__always)
  private static func matches(_ entry: Entry, _ bytes: RawSpan, _ offset: Int, _ first: UInt64) -> Bool {
    guard (first ^ entry.name[0]) & entry.mask[0] == 0 else { return false }
    guard entry.length >= 8 else { return true }
    return (bytes.word(offset + 8) ^ entry.name[1]) & entry.mask[1] == 0
      && (bytes.word(offset + 16) ^ entry.name[2]) & entry.mask[2] == 0
  }

  /// The field of this name; for keys that the fast comparison cannot judge.
  func index(of name: some Sequence<UInt8>) -> Int? {
    texts.firstIndex { $0.utf8.elementsEqual(name) }
  }
}

/// Where a reader is within an object, and which known fields it has seen.
package struct ObjectCursor: Sendable {
  var isFirst = true
  var expected = 0
  package internal(set) var seen: UInt64 = 0
}

/// Where a reader is within an array.
package struct ArrayCursor: Sendable {
  var isFirst = true
  /// How many elements were begun.
  package internal(set) var count = 0
}
