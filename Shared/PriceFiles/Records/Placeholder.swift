/// Texts that portals write for "unknown", in the languages of the data. They mean what an empty element means.
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
