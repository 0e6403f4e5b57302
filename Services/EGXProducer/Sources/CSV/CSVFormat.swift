import Core
import CSV

/// The user's description of CSV files, where their own header is not enough.
package struct CSVFormat: Hashable, Sendable {
  /// Names of columns, or their places from 0, by purpose.
  package var columns: [CSVColumn: String] = [:]
  package var dates: CSVDates?
  package var mark: CSVNumbers.Mark?
  /// Midnight in a separate column is a time of day, not a missing one.
  package var isIntraday = false

  package init() {}

  /// - Parameter columns: `time=Day,close=Last,...`; empty for none.
  /// - Throws: `Failure(.configuration)`.
  package init(columns: String, dates: String?, mark: CSVNumbers.Mark?, isIntraday: Bool) throws(Failure) {
    for pair in columns.split(separator: ",") {
      let sides = pair.split(separator: "=", maxSplits: 1).map { $0.trimmingBlanks }
      guard sides.count == 2, let column = CSVColumn(rawValue: sides[0]), !sides[1].isEmpty else {
        throw Failure(
          .configuration, code: "bad_mapping",
          "--csv-columns: '\(pair)' is not one of \(CSVColumn.allCases.map(\.rawValue).joined(separator: ", ")) and a "
            + "name, such as close=Last")
      }
      self.columns[column] = sides[1]
    }
    if let dates {
      guard let pattern = CSVDates(dates) else {
        throw Failure(
          .configuration, code: "bad_mapping",
          "--csv-dates: '\(dates)' is not a pattern such as MM/DD/YYYY or DD.MM.YYYY")
      }
      self.dates = pattern
    }
    self.mark = mark
    self.isIntraday = isIntraday
  }
}

/// The purpose of a column of bars.
package enum CSVColumn: String, CaseIterable, Hashable, Sendable {
  case time, open, high, low, close, volume
  /// The time of day, beside a `time` that is a date.
  case clock
  /// The symbol of the line; a file has one symbol.
  case symbol

  static let required: [CSVColumn] = [.time, .open, .high, .low, .close]

  /// Names in most exports.
  static let names: [String: CSVColumn] = [
    "date": .time, "datetime": .time, "timestamp": .time, "open": .open, "high": .high, "low": .low, "close": .close,
    "volume": .volume, "vol": .volume, "symbol": .symbol, "ticker": .symbol,
  ]
  /// Names in some exports, used when no column has one of `names`: investing.com, Mubasher.
  static let otherNames: [String: CSVColumn] = [
    "time": .time, "date range": .time, "price": .close, "closed": .close, "last": .close,
  ]
}

extension StringProtocol {
  var trimmingBlanks: String {
    let start = drop { $0 == " " }
    return String(start.reversed().drop { $0 == " " }.reversed())
  }
}
