import LocalServers
import Postgres
import Testing
import TestSupport

/// What COPY stores, read back by psql as an independent reader.
@Suite struct BinaryCopyTests {
  private func stored(
    _ column: String, _ count: Int, _ write: (inout BinaryCopyRows) -> Void
  ) async throws -> [String] {
    let (url, name, server) = try await TestServers.database()
    let connection = try await PostgresConnection.open(PostgresConfiguration(url: url))
    var rows = BinaryCopyRows()
    write(&rows)
    let bytes = rows.bytes
    let taken = try await connection.perform { connection in
      try connection.script("CREATE TABLE t (number int, value \(column))")
      return try connection.copyIn("COPY t FROM STDIN (FORMAT binary)", [bytes])
    }
    #expect(taken == count)
    let text = try await server.psql("SET timezone = 'UTC'; SELECT value FROM t ORDER BY number", database: name)
    return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }

  @Test func numericsKeepTheirDigits() async throws {
    let cases: [(Int64, Int, String)] = [
      (0, 0, "0"), (0, 2, "0.00"), (1290, 2, "12.90"), (129, 1, "12.9"), (-5, 1, "-0.5"),
      (1, 18, "0.000000000000000001"),
      (10_000, 0, "10000"), (100_000_000, 0, "100000000"), (10_000, 4, "1.0000"), (99_999_999, 4, "9999.9999"),
      (999_999_999_999_999_999, 18, "0.999999999999999999"), (999_999_999_999_999_999, 0, "999999999999999999"),
      (-999_999_999_999_999_999, 9, "-999999999.999999999"), (12_345, 3, "12.345"), (123_456_789, 5, "1234.56789"),
      (50, 5, "0.00050"), (1_000_000, 6, "1.000000"), (7, 0, "7"),
    ]
    let texts = try await stored("numeric", cases.count) { rows in
      for (index, (mantissa, scale, _)) in cases.enumerated() {
        rows.beginRow(fields: 2)
        rows.int4(Int32(index))
        rows.numeric(mantissa: mantissa, scale: scale)
      }
    }
    #expect(texts == cases.map(\.2))
  }

  @Test func textArraysAndJSONKeepTheirTexts() async throws {
    let arrays: [[String]] = [[], [""], ["0"], ["a", "b, \"c\"", "NULL", "\u{5D0}"]]
    let texts = try await stored("text[]", arrays.count) { rows in
      for (index, array) in arrays.enumerated() {
        rows.beginRow(fields: 2)
        rows.int4(Int32(index))
        rows.beginTextArray(count: array.count)
        for text in array { rows.text(text) }
        rows.endTextArray()
      }
    }
    #expect(texts == ["{}", #"{""}"#, "{0}", #"{a,"b, \"c\"","NULL",א}"#])
    let json = try await stored("jsonb", 1) { rows in
      rows.beginRow(fields: 2)
      rows.int4(0)
      rows.jsonb(Array(#"{"b": 1, "a": {"c": "x"}}"#.utf8))
    }
    #expect(json == [#"{"a": {"c": "x"}, "b": 1}"#])
  }

  @Test func randomDecimalsKeepTheirDigits() async throws {
    var random = TestRandom("numeric")
    let cases: [(Int64, Int)] = (0..<4_000).map { _ in
      let limit: Int64 = (0..<Int.random(in: 1...18, using: &random)).reduce(1) { value, _ in value * 10 }
      return (Int64.random(in: -limit + 1...limit - 1, using: &random), Int.random(in: 0...18, using: &random))
    }
    let texts = try await stored("numeric", cases.count) { rows in
      for (index, (mantissa, scale)) in cases.enumerated() {
        rows.beginRow(fields: 2)
        rows.int4(Int32(index))
        rows.numeric(mantissa: mantissa, scale: scale)
      }
    }
    for ((mantissa, scale), text) in zip(cases, texts) { #expect(text == Self.decimal(mantissa, scale)) }
  }

  /// By moving a point through the digits, which shares nothing with base 10,000.
  private static func decimal(_ mantissa: Int64, _ scale: Int) -> String {
    var digits = String(mantissa.magnitude)
    digits = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
    if scale > 0 { digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -scale)) }
    return (mantissa < 0 ? "-" : "") + digits
  }

  @Test func timestampsAgreeWithPsql() async throws {
    let cases: [(Int64, String)] = [
      (0, "1970-01-01 00:00:00+00"), (946_684_800_000_000, "2000-01-01 00:00:00+00"),
      (1_737_331_380_123_456, "2025-01-20 00:03:00.123456+00"), (-1, "1969-12-31 23:59:59.999999+00"),
      (253_402_300_799_999_999, "9999-12-31 23:59:59.999999+00"),
    ]
    let texts = try await stored("timestamptz", cases.count) { rows in
      for (index, (instant, _)) in cases.enumerated() {
        rows.beginRow(fields: 2)
        rows.int4(Int32(index))
        rows.timestamptz(unixMicroseconds: instant)
      }
    }
    #expect(texts == cases.map(\.1))
  }

  @Test func everyOtherFieldTypeAndNull() async throws {
    let (url, name, server) = try await TestServers.database()
    let connection = try await PostgresConnection.open(PostgresConfiguration(url: url))
    var rows = BinaryCopyRows()
    rows.beginRow(fields: 6)
    rows.int4(-4)
    rows.int8(Int64.min)
    rows.bool(true)
    rows.text("מחיר \"12\" | ש\u{5f4}ח")
    rows.uuid(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff)
    rows.null()
    rows.beginRow(fields: 6)
    for _ in 0..<6 { rows.null() }
    let bytes = rows.bytes
    try await connection.perform { connection in
      try connection.script("CREATE TABLE t (a int4, c int8, d bool, e text, g uuid, h text)")
      _ = try connection.copyIn("COPY t FROM STDIN (FORMAT binary)", [bytes])
    }
    let text = try await server.psql("SELECT * FROM t ORDER BY a NULLS LAST", database: name)
    #expect(text == """
      -4|-9223372036854775808|t|מחיר "12" | ש\u{5f4}ח|00112233-4455-6677-8899-aabbccddeeff|
      |||||

      """)
  }

  @Test func largeRowsAreSentInPieces() async throws {
    let texts = try await stored("text", 3) { rows in
      for index in 0..<3 {
        rows.beginRow(fields: 2)
        rows.int4(Int32(index))
        rows.text(String(repeating: "\(index)", count: 3 << 20))
      }
    }
    #expect(texts.map(\.count) == [3 << 20, 3 << 20, 3 << 20])
    #expect(texts.map(\.first) == ["0", "1", "2"])
  }

  /// There is one for every partition and table, so each must keep little memory.
  @Test func largeBuffersAreFreed() {
    var rows = BinaryCopyRows()
    func fill(_ count: Int) {
      for number in 0..<count {
        rows.beginRow(fields: 2)
        rows.int8(Int64(number))
        rows.text("some text of a row")
      }
    }
    fill(50_000)
    #expect(rows.heldBytes >= rows.byteCount && rows.byteCount > 1 << 20)
    rows.removeAll()
    #expect(rows.isEmpty && rows.heldBytes <= 16 << 10)
    fill(100)
    let held = rows.heldBytes
    rows.removeAll()
    #expect(rows.heldBytes == held, "a little is kept")
    fill(1)
    #expect(rows.count == 1 && BinaryCopyRows.split(rows.bytes).count == 1)
  }

  @Test func rewindingAndSplittingKeepWholeRows() {
    var rows = BinaryCopyRows()
    func add(_ text: String?) {
      rows.beginRow(fields: 2)
      rows.int4(1)
      if let text { rows.text(text) } else { rows.null() }
    }
    add("first")
    let mark = rows.mark
    add(nil)
    add("")
    let parts = BinaryCopyRows.split(rows.bytes)
    #expect(parts.map(\.count) == [2 + 8 + 4 + 5, 2 + 8 + 4, 2 + 8 + 4])
    #expect(Array(parts.joined()) == Array(rows.bytes))
    rows.rewind(to: mark)
    #expect(rows.count == 1)
    #expect(Array(rows.bytes) == Array(parts[0]))
    var copy = BinaryCopyRows()
    copy.append(rows: parts[2], count: 1)
    copy.append(rows: parts[0], count: 1)
    #expect(Array(copy.bytes) == Array(parts[2]) + Array(parts[0]))
    #expect(copy.count == 2)
  }
}
