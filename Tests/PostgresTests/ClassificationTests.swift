import ArgumentParser
import Core
import Foundation
import Postgres
import PostgresFlags
import Testing
import TestSupport

@Suite struct ClassificationTests {
  @Test(arguments: [
    ("08006", .transient), ("08P01", .fatal), ("40001", .transient), ("40P01", .transient), ("40003", .transient),
    ("53100", .transient), ("53300", .transient), ("53400", .configuration), ("55P03", .transient),
    ("55006", .transient), ("57014", .transient), ("57P01", .transient), ("57P03", .transient),
    ("57P04", .configuration), ("58030", .transient), ("25006", .transient), ("22003", .data), ("22021", .data),
    ("22P03", .data), ("23502", .data), ("23514", .data), ("54000", .data), ("28P01", .configuration),
    ("3D000", .configuration), ("3F000", .configuration), ("42501", .configuration), ("42P01", .configuration),
    ("42703", .configuration), ("0A000", .configuration), ("42601", .fatal), ("21000", .fatal), ("25P02", .fatal),
    ("P0001", .fatal), ("XX000", .fatal), ("XX001", .fatal), ("ZZZZZ", .fatal),
  ] as [(String, ErrorClass)])
  func everyCodeHasItsClass(_ code: String, _ expected: ErrorClass) {
    #expect(SQLState(code)?.errorClass == expected)
  }

  @Test func onlyFiveCapitalsAndDigitsAreACode() {
    #expect(SQLState("") == nil)
    #expect(SQLState("2350") == nil)
    #expect(SQLState("23505 ") == nil)
    #expect(SQLState("23a05") == nil)
    #expect(SQLState("٢٣٥٠٥") == nil)
  }

  @Test(arguments: [
    ("postgresql://u:secret@h:5432/d", "postgresql://u:***@h:5432/d"),
    ("postgres://u:se@cret@h/d?sslmode=require", "postgres://u:***@h/d?sslmode=require"),
    ("postgresql://u@h/d", "postgresql://u@h/d"),
    ("postgresql:///d?user=u&password=secret&host=/tmp", "postgresql:///d?user=u&password=***&host=/tmp"),
    ("host=h password=secret dbname=d", "host=h password=*** dbname=d"),
    ("password = 'se cr\\'et' host=h", "password=*** host=h"),
    ("host=h sslpassword=secret", "host=h sslpassword=***"),
    ("host=h user=password", "host=h user=password"),
  ])
  func thePasswordIsMasked(_ url: String, _ masked: String) {
    #expect(PostgresConfiguration.masked(url) == masked)
    #expect("\(PostgresConfiguration(url: url))" == masked)
  }

  @Test func anAddressOfAFileIsReadAtEachConnection() async throws {
    try await withTemporaryDirectory { folder in
      let file = "\(folder)/url"
      let options = try PostgresOptions.parse(["--database-url", "file:\(file)"])
      #expect(throws: PostgresError.self) { try options.configuration(applicationName: "x") }
      try "postgresql://souk:first@h/d\n".write(toFile: file, atomically: true, encoding: .utf8)
      let configuration = try options.configuration(applicationName: "x")
      func password() throws -> String? { try configuration.parameters().first { $0.0 == "password" }?.1 }
      #expect(try password() == "first")
      try "postgresql://souk:second@h/d\n".write(toFile: file, atomically: true, encoding: .utf8)
      #expect(try password() == "second" && "\(configuration)" == "file:\(file)")
    }
  }

  @Test func optionsAreCheckedBeforeAnythingConnects() throws {
    var options = try PostgresOptions.parse([])
    #expect(throws: Failure.self) { try options.configuration(applicationName: "x") }
    options = try PostgresOptions.parse(["--database-url", "nonsense"])
    #expect(throws: PostgresError.self) { try options.configuration(applicationName: "x") }
    options = try PostgresOptions.parse(["--database-url", "host=h", "--database-lock-timeout", "0s"])
    #expect(throws: Failure.self) { try options.configuration(applicationName: "x") }
    options = try PostgresOptions.parse(["--database-url", "host=h", "--database-statement-timeout", "5m"])
    let configuration = try options.configuration(applicationName: "x")
    #expect(configuration.statementTimeout == .seconds(300))
    #expect(configuration.applicationName == "x")
  }
}
