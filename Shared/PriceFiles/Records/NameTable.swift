/// Element names and what they stand for. Names compare without case.
struct NameTable<Meaning: Sendable>: Sendable {
  private struct Entry {
    var spelling: [UInt8]
    var meaning: Meaning
  }

  private let byLength: [[Entry]]

  /// - Parameter spellings: in lower case.
  init(_ spellings: [(Meaning, [StaticString])]) {
    var table: [[Entry]] = []
    for (meaning, names) in spellings {
      for name in names {
        let spelling = Array(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        while table.count <= spelling.count { table.append([]) }
        table[spelling.count].append(Entry(spelling: spelling, meaning: meaning))
      }
    }
    byLength = table
  }

  /// - Returns: nil for a name that is not in the table.
  func meaning(of name: UnsafeBufferPointer<UInt8>) -> Meaning? {
    guard name.count < byLength.count else { return nil }
    return byLength[name.count].first { Self.equals(name, $0.spelling) }?.meaning
  }

  private static func equals(_ name: UnsafeBufferPointer<UInt8>, _ spelling: [UInt8]) -> Bool {
    spelling.withUnsafeBufferPointer { spelling in
      // From the end: names differ there as a rule.
      for index in name.indices.reversed() {
        let byte = name[index]
        guard (byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte) == spelling[index] else { return false }
      }
      return true
    }
  }
}
