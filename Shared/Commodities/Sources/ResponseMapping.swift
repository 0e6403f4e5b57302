import Core
import CSV
import StrictYAML

/// Where a provider of kind `json` or `csv` puts the values.
///
/// As YAML, for JSON: paths, those of a row relative to the row.
///
///     mapping:
///       rows: data.prices         # without it the whole answer is one row
///       value: close
///       time: at                  # RFC 3339, a date, seconds or milliseconds since 1970
///       currency: meta.currency   # optional, as unit is
///       where: {country: "{country}", grade: A}     # only rows that say so
///       zone: Africa/Cairo        # of times without an offset; UTC by default
///       span: 1d                  # times are the openings of bars so long: a value holds at the end of its bar
///
/// For CSV: column names, compared without case; `separator` is one character, `,` by default; `dates` is the pattern
/// of dates that are not like 2025-01-20 (`MM/DD/YYYY`), `decimal` the decimal mark (point or comma) where numbers
/// could be ambiguous.
package struct ResponseMapping: Hashable, Sendable {
  package struct Condition: Hashable, Sendable {
    package var field: Field
    package var value: TextTemplate
  }

  /// A path or a column name.
  package struct Field: Hashable, Sendable {
    package var text: String
    package var path: ValuePath
  }

  package var rows: ValuePath?
  package var value: Field
  package var time: Field
  package var currency: Field?
  package var unit: Field?
  package var conditions: [Condition]
  /// IANA name.
  package var zone: String
  /// From a row's time to the time of its value; nil: they are the same.
  package var span: Duration?
  package var separator: UInt8
  package var dates: CSVDates?
  package var decimal: CSVNumbers.Mark?

  static let keys = [
    "rows", "value", "time", "currency", "unit", "where", "zone", "span", "separator", "dates", "decimal",
  ]

  init(_ written: YAMLValue, kind: CommoditySourceKind, origin: String) throws(Failure) {
    let fields = try YAMLFields(written, of: "mapping", known: Self.keys, origin: origin)
    if let text = try fields.text("rows") {
      guard kind == .json else { throw fields.wrong("rows", "it is for 'kind: json' only") }
      rows = try Self.field(text, "rows", fields).path
    }
    value = try Self.field(try fields.required("value"), "value", fields)
    time = try Self.field(try fields.required("time"), "time", fields)
    currency = try fields.text("currency").map { (text) throws(Failure) in try Self.field(text, "currency", fields) }
    unit = try fields.text("unit").map { (text) throws(Failure) in try Self.field(text, "unit", fields) }
    conditions = []
    if let written = fields.value("where") {
      guard let entries = written.mapping else { throw fields.wrong("where", "{field: text} is expected") }
      for entry in entries {
        guard let text = entry.value.text, let template = TextTemplate(text), !template.uses(.token) else {
          throw fields.wrong("where", "'\(entry.key)' wants a text, with no other {name} than those of series")
        }
        conditions.append(Condition(field: try Self.field(entry.key, "where", fields), value: template))
      }
    }
    zone = try fields.text("zone") ?? "UTC"
    _ = try ZoneTable(identifier: zone)
    span = try fields.duration("span")
    let separator = try fields.text("separator") ?? ","
    guard separator == "\\t" || separator.utf8.count == 1, let byte = separator == "\\t" ? 0x09 : separator.utf8.first,
      byte != UInt8(ascii: "\""), kind == .csv || fields.value("separator") == nil
    else { throw fields.wrong("separator", "one character that is no quote is expected, for 'kind: csv' only") }
    self.separator = byte
    if let text = try fields.text("dates") {
      guard kind == .csv, let dates = CSVDates(text) else {
        throw fields.wrong("dates", "a pattern such as MM/DD/YYYY is expected, for 'kind: csv' only")
      }
      self.dates = dates
    }
    if let text = try fields.text("decimal") {
      guard kind == .csv, let mark = CSVNumbers.Mark(rawValue: text) else {
        throw fields.wrong("decimal", "point or comma is expected, for 'kind: csv' only")
      }
      decimal = mark
    }
  }

  private static func field(_ text: String, _ name: String, _ fields: YAMLFields) throws(Failure) -> Field {
    // A column name is a path too, unless it holds the path syntax.
    if let path = ValuePath(text) { return Field(text: text, path: path) }
    throw fields.wrong(name, "'\(text)' is no path such as data.prices[0].value or [\"two words\"].value")
  }
}
