/// What a column of a listing table holds, by its title.
enum ListingColumn: String, Hashable, Sendable, CaseIterable {
  case name, time, size, link
  /// Known and not needed: the file name is more exact.
  case other

  /// - Parameter title: as written; runs of blanks and case are ignored.
  /// - Returns: nil for an unknown title.
  init?(title: String) {
    guard let column = Self.titles[Self.plain(title)] else { return nil }
    self = column
  }

  static func plain(_ title: String) -> String {
    title.split(whereSeparator: \.isWhitespace).joined(separator: " ").lowercased()
  }

  private static let titles: [String: ListingColumn] = [
    "": .other, "#": .other,
    "שם": .name, "שם קובץ": .name, "שם הקובץ": .name, "קובץ": .name, "name": .name, "file": .name,
    "file name": .name, "filename": .name,
    "זמן עידכון": .time, "זמן עדכון": .time, "תאריך": .time, "תאריך עדכון": .time, "תאריך ושעה": .time,
    "תאריך העלאה": .time, "date": .time, "time": .time, "updated": .time,
    "גודל": .size, "גודל קובץ": .size, "גודל (kb)": .size, "size": .size, "kb": .size,
    "הורדה": .link, "להורדה": .link, "קישור": .link, "קישור להורדה": .link, "הורדת קובץ": .link, "לינק": .link,
    "download": .link, "link": .link,
    "סניף": .other, "שם סניף": .other, "חנות": .other, "מספר סניף": .other, "רשת": .other, "שם רשת": .other,
    "תת רשת": .other, "סוג": .other, "סוג קובץ": .other, "סיומת": .other, "קטגוריה": .other, "מלא": .other,
    "מלא/חלקי": .other, "מס'": .other, "מספר": .other, "store": .other, "branch": .other, "chain": .other,
    "type": .other, "category": .other,
  ]
}
