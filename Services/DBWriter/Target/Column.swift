import Catalogue
import Messages
import Postgres
import Values

/// A column of a staging table, and what a message writes into it.
struct Column<Message>: Sendable {
  typealias Value<Result> = @Sendable (Message) -> Result

  /// As in `CREATE TABLE`: `ean text COLLATE "C"`.
  let definition: String
  /// Checks the value and appends it.
  let write: @Sendable (Message, inout BinaryCopyRows) throws(DecodingFailure) -> Void

  private init(
    _ definition: String, write: @escaping @Sendable (Message, inout BinaryCopyRows) throws(DecodingFailure) -> Void
  ) {
    self.definition = definition
    self.write = write
  }

  /// Part of a key: of 1 to 64 bytes, compared byte by byte.
  static func key(_ name: String, _ value: @escaping Value<String>) -> Column {
    Column("\(name) text COLLATE \"C\"") { message, row throws(DecodingFailure) in
      let text = value(message)
      try StagingLimits.checkKey(Array(text.utf8).span.bytes, name)
      row.text(text)
    }
  }

  /// - Parameter isOrdered: compared byte by byte, as keys are.
  static func text(
    _ name: String, isOrdered: Bool = false, limit: Int = StagingLimits.textBytes, _ value: @escaping Value<String?>
  ) -> Column {
    Column("\(name) text\(isOrdered ? " COLLATE \"C\"" : "")") { message, row throws(DecodingFailure) in
      let text = value(message)
      try StagingLimits.checkText(text, name, limit: limit)
      row.textOrNull(text)
    }
  }

  static func texts(_ name: String, _ value: @escaping Value<[String]>) -> Column {
    Column("\(name) text[]") { $1.texts(value($0)) }
  }

  static func flags(_ value: @escaping Value<[String]>) -> Column {
    Column("flags text[]") { message, row throws(DecodingFailure) in
      let flags = value(message)
      try StagingLimits.checkFlags(flags)
      row.texts(flags)
    }
  }

  /// 128 bits, in the message 32 hexadecimal digits.
  static func id(_ name: String, _ value: @escaping Value<String>) -> Column {
    Column("\(name) uuid") { message, row throws(DecodingFailure) in
      row.id(try StagingLimits.id(Array(value(message).utf8).span.bytes, name))
    }
  }

  /// Null for a text that is no id.
  static func idOrNull(_ name: String, _ value: @escaping Value<String?>) -> Column {
    Column("\(name) uuid") { message, row in
      if let id = value(message).flatMap({ FileID(Array($0.utf8).span.bytes) }) { row.id(id) } else { row.null() }
    }
  }

  static func decimal(_ name: String, _ value: @escaping Value<ExactDecimal?>) -> Column {
    Column("\(name) numeric") { $1.decimalOrNull(value($0)) }
  }

  static func integer(_ name: String, _ value: @escaping Value<Int64?>) -> Column {
    Column("\(name) bigint") { $1.integerOrNull(value($0)) }
  }

  /// Of four bytes.
  static func number(_ name: String, _ value: @escaping Value<Int64>) -> Column {
    Column("\(name) int") { $1.int4(Int32(truncatingIfNeeded: value($0))) }
  }

  /// - Parameter isChecked: refuses times before 1990 and after 2100.
  static func time(_ name: String, isChecked: Bool = false, _ value: @escaping Value<Timestamp?>) -> Column {
    Column("\(name) timestamptz") { message, row throws(DecodingFailure) in
      let time = value(message)
      if isChecked, let time { try StagingLimits.checkTime(time, name) }
      row.timeOrNull(time)
    }
  }

  static func json(_ name: String, _ value: @escaping Value<some JSONValue>) -> Column {
    Column("\(name) jsonb") { message, row in
      var json = JSONWriter()
      value(message).write(to: &json)
      row.jsonb(json.array())
    }
  }
}

extension BinaryCopyRows {
  /// A row of `columns` after the numbers of the message and, where the table has it, of the element.
  mutating func append<Message>(
    _ message: Message, _ columns: [Column<Message>], _ numbers: Int32...
  ) throws(DecodingFailure) {
    beginRow(fields: numbers.count + columns.count)
    for number in numbers { int4(number) }
    for column in columns { try column.write(message, &self) }
  }
}

extension StagingTable {
  /// - Parameter hasNumber: its rows have the number of their element.
  init<Message>(_ name: String, _ role: Role, hasNumber: Bool = false, _ columns: [Column<Message>]) {
    self.init(name, role, ["batch int"] + (hasNumber ? ["number int"] : []) + columns.map(\.definition))
  }
}

extension WriteTarget {
  /// Messages that are one element each, and one row.
  /// - Parameter check: throws for a message that cannot be stored; false for one that has no row.
  static func messages<Message: Messages.Message>(
    _ name: String, of topics: [Topic], into table: StagingTable, _ columns: [Column<Message>],
    merge: [MergeStatement], prelude: MergeStatement? = nil,
    check: @escaping @Sendable (Message) throws(DecodingFailure) -> Bool = { _ in true }
  ) -> WriteTarget {
    WriteTarget(name: name, topics: topics, staging: [table], merge: merge, prelude: prelude) {
      { value, rows throws(DecodingFailure) in
        let message = try Message(decoding: value, limits: JSONReader.Limits())
        guard try check(message) else { return }
        try rows.tables[0].append(message, columns, rows.batch)
        rows.keep()
      }
    }
  }
}
