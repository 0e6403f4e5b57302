/// Element names and their meanings. Names compare without case.
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

  /// - Returns: nil for an unknown name.
  func meaning(of name: UnsafeBufferPointer<UInt8>) -> Meaning? {
    guard name.count < byLength.count else { return nil }
    return byLength[name.count].first { Self.equals(name, $0.spelling) }?.meaning
  }

  private static func equals(_ name: UnsafeBufferPointer<UInt8>, _ spelling: [UInt8]) -> Bool {
    spelling.withUnsafeBufferPointer { spelling in
      // From the end, where names usually differ.
      for index in name.indices.reversed() {
        let byte = name[index]
        guard (byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte) == spelling[index] else { return false }
      }
      return true
    }
  }
}

/// Words for "unknown" in the languages of the data. They mean the same as an empty element.
enum Placeholder {
  static func isUnknown(_ text: UnsafeBufferPointer<UInt8>) -> Bool { table.meaning(of: text) != nil }

  private static let table = NameTable<Bool>([
    (true, [
      "unknown", "not known", "undefined", "not defined", "n/a", "n.a.", "#n/a", "null", "(null)", "nil", "none", "nan",
      "not available", "no data", "missing", "-", "--", "---", "?", "??", "???", ".", "..", "...",
    ]),
    (true, [
      "לא ידוע", "לא ידועה", "לא ידועים", "לא ידועות", "לא מוגדר", "לא מוגדרת", "לא צוין", "לא צויין", "לא קיים",
      "לא רלוונטי", "לא זמין", "אין", "אין מידע", "אין נתונים", "ללא", "חסר",
    ]),
    (true, [
      "غير معروف", "غير معروفة", "غير محدد", "غير محددة", "غير متوفر", "غير متاح", "لا يوجد", "لا شيء", "مجهول",
    ]),
    (true, ["неизвестно", "не указано", "нет данных", "нет"]),
  ])
}
