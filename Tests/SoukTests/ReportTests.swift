import Foundation
import Testing
import Yams

@testable import Operations
@testable import SoukService

@Suite struct ReportTests {
  private static func sample() -> Report {
    var report = Report("groups", [
      .text("group", "GROUP"), .number("lag", "LAG"), .text("reason", "REASON", least: 8),
      .text("state", "STATE", rank: 1), .hidden("raw"),
    ])
    report.append([.text("db-writer"), .count(1_234_567), .text("the database does not answer"), .text("stable"),
                   .init(.list([.integer(1), .bool(true)]), "")], .bad)
    report.append([.text("parser"), .count(Int?.none), .text(nil), .text("empty"), .init(.null, "")])
    report.fields = [.init("total", .integer(1_234_567))]
    report.notes = ["one note that is said of every row of it"]
    return report
  }

  @Test func aFileGetsTheTableWhole() {
    #expect(Self.sample().lines(Terminal(width: nil, hasColour: false)) == [
      "GROUP            LAG  REASON                        STATE",
      "─────────  ─────────  ────────────────────────────  ──────",
      "db-writer  1,234,567  the database does not answer  stable",
      "parser             -  -                             empty",
      "", "one note that is said of every row of it",
    ])
  }

  @Test func aNarrowTerminalCutsLongCellsFirst() {
    let lines = Self.sample().lines(Terminal(width: 44, hasColour: false))
    #expect(lines[2] == "db-writer  1,234,567  the database…  stable")
    #expect(lines.allSatisfy { $0.count <= 44 })
  }

  @Test func aNarrowerOneLeavesColumnsOutAndSaysSo() {
    let lines = Self.sample().lines(Terminal(width: 32, hasColour: false))
    #expect(lines[0] == "GROUP            LAG  REASON")
    #expect(lines.allSatisfy { $0.count <= 32 }, "\(lines)")
    #expect(lines.joined(separator: " ").contains("left out: STATE; --wide prints every column"))
  }

  /// A width that no choice of columns fits breaks nothing.
  @Test(arguments: 1...60) func everyWidthGivesEveryRow(_ width: Int) {
    let lines = Self.sample().lines(Terminal(width: width, hasColour: false))
    #expect(lines[2].hasPrefix("db-writer") && lines[3].hasPrefix("parser"))
  }

  @Test func coloursAreOfWholeRowsAndOnlyWhereTheyAreWanted() {
    let plain = Self.sample().lines(Terminal(width: nil, hasColour: false))
    let coloured = Self.sample().lines(Terminal(width: nil, hasColour: true))
    #expect(coloured[2] == "\u{1b}[31m\(plain[2])\u{1b}[0m")
    #expect(coloured[3] == plain[3])
    #expect(!plain.joined().contains("\u{1b}"))
  }

  @Test func withoutRowsThereIsAWordInsteadOfAHeading() {
    var report = Report("letters", [.text("code", "CODE")])
    report.nothing = "no dead letters"
    #expect(report.lines(Terminal(width: nil, hasColour: true)) == ["no dead letters"])
    #expect(report.data.json == #"{"letters":[]}"#)
  }

  private static let texts = [
    "", "plain", "two words", "1.50", "2026-01-31", "true", "no", "null", "~", "- a", "a: b", "#x", "שלום", "a\nb",
    "\"",
    "'", "{}", "[1]", "*", "&a", "!t", "%", "@x", "`", "1e3", "0x10", "-1", "+1", ".5", "\u{7f}\u{1}", "y",
  ]

  /// Read back by another implementation of each form.
  @Test func jsonAndYAMLAreReadAsWhatTheyAre() throws {
    let value = DataValue.object([
      .init("texts", .list(Self.texts.map { .text($0) })), .init("none", .null), .init("yes", .bool(true)),
      .init("count", .integer(-9_007_199_254_740_993)), .init("share", .number(0.25)),
      .init("nothing", .list([])), .init("empty", .object([])),
      .init("rows", .list([
        .object([.init("a", .integer(1)), .init("b", .list([.text("x"), .list([.text("y")])]))]), .object([]),
      ])),
    ])
    for form in [value.json, value.prettyJSON] {
      let read = try #require(try JSONSerialization.jsonObject(with: Data(form.utf8)) as? [String: Any])
      #expect(read["texts"] as? [String] == Self.texts)
      #expect(read["count"] as? Int == -9_007_199_254_740_993 && read["share"] as? Double == 0.25)
    }
    let read = try #require(try Yams.load(yaml: value.yaml) as? [String: Any], "\(value.yaml)")
    #expect(read["texts"] as? [String] == Self.texts, "\(value.yaml)")
    #expect(read["yes"] as? Bool == true && read["none"] is NSNull && read["share"] as? Double == 0.25)
    let rows = try #require(read["rows"] as? [[String: Any]])
    #expect(rows[0]["a"] as? Int == 1 && rows[1].isEmpty)
    #expect((rows[0]["b"] as? [Any])?.last as? [String] == ["y"])
    #expect(!value.json.contains("\n"))
  }

  @Test func theFormsSayTheSame() throws {
    let data = Self.sample().data
    #expect(data["groups"]?.json == """
      [{"group":"db-writer","lag":1234567,"reason":"the database does not answer","state":"stable","raw":[1,true]},\
      {"group":"parser","lag":null,"reason":null,"state":"empty","raw":null}]
      """)
    #expect(data["total"] == .integer(1_234_567))
    #expect(OutputFormat.yaml.text(ofJSON: #"{"b":1,"a":["x"]}"#) == "---\na:\n  - x\nb: 1")
    #expect(OutputFormat.json.text(ofJSON: "{}") == "{}")
  }

  @Test(arguments: [
    (0, "0s"), (40, "0s"), (400, "0.4s"), (9_000, "9s"), (12_400, "12s"), (320_000, "5m 20s"), (300_000, "5m"),
    (11_520_000, "3h 12m"), (187_200_000, "2d 4h"), (172_801_000, "2d"),
  ])
  func durationsAreShort(_ milliseconds: Int, _ text: String) {
    #expect(short(.milliseconds(milliseconds)) == text)
  }

  @Test func noColourAndColumnsAreHeard() {
    // A test's standard output is no terminal.
    #expect(!Terminal.standardOutput.hasColour)
  }
}
