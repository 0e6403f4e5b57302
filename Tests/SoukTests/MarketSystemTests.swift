import Catalogue
import Core
import Foundation
import Testing
import TestSupport
import Values

@testable import SoukService

@Suite struct InventedBarsTests {
  @Test func theyHaveTheShapeOfTheExchange() async throws {
    try await withTemporaryDirectory { folder in
      // Tuesday, 2025-01-21: the two trading days before are the Monday and the Sunday.
      try InventedBars().write(to: folder + "/a", before: 20_109)
      try InventedBars().write(to: folder + "/b", before: 20_109)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/a").sorted()
      #expect(names == InventedBars.instruments.map { "\($0.symbol).csv" }.sorted() && names.count == 30)
      var (odd, all) = (0, 0)
      for name in names {
        let text = try String(contentsOfFile: "\(folder)/a/\(name)", encoding: .utf8)
        #expect(try text == String(contentsOfFile: "\(folder)/b/\(name)", encoding: .utf8), "the same for the same day")
        let rows = text.split(separator: "\n").dropFirst().map { $0.split(separator: ",").map(String.init) }
        let times = rows.map { $0[0] }
        #expect(times == Set(times).sorted())
        // 10:00 to 14:29 in Cairo are 08:00 to 12:29 UTC in January.
        for time in times {
          #expect(["2025-01-19", "2025-01-20"].contains(time.prefix(10)))
          #expect(("08:00:00"..."12:29:00").contains(String(time.dropFirst(11))))
        }
        for day in ["2025-01-19", "2025-01-20"] {
          let count = times.count { $0.hasPrefix(day) }
          #expect((60...250).contains(count), "\(name) has \(count) minutes on \(day)")
        }
        for row in rows {
          let numbers = try row.dropFirst().map { try #require(ExactDecimal($0)) }
          #expect(numbers.count == 5 && numbers[4] > .zero && numbers[2] > .zero)
          #expect(numbers[2] <= numbers[3] && numbers[3] <= numbers[1])
          if numbers[0] > numbers[1] { odd += 1 }
          all += 1
        }
      }
      #expect(odd > 0 && odd < all / 50, "\(odd) of \(all) bars open outside their range")
    }
  }

  @Test func weekEndsAreLeftOut() async throws {
    try await withTemporaryDirectory { folder in
      // Sunday, 2025-01-19: the days before are Thursday and Wednesday.
      try InventedBars().write(to: folder, before: 20_107)
      let text = try String(contentsOfFile: folder + "/COMI.csv", encoding: .utf8)
      let days = Set(text.split(separator: "\n").dropFirst().map { String($0.prefix(10)) })
      #expect(days == ["2025-01-15", "2025-01-16"])
    }
  }
}

@Suite struct RecordedBarsTests {
  private func bars(_ files: [String: String]) async throws -> RecordedBars {
    try await withTemporaryDirectory { folder in
      for (name, text) in files {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
      return try RecordedBars(folder: folder)
    }
  }

  @Test func expectedBarsAreReadFromTheFiles() async throws {
    let read = try await bars([
      "A.csv": "Date,Open,High,Low,Close,Volume\r\n2025-01-19,1,2,1,2,\r\n2025-01-20,,,,,\r\n"
        + "2025-01-21,1,2,1,1.50,7\r\n",
      "B.csv": "date,open,high,low,close\n2025-01-20,1,1,1,1\n2025-01-20,1,1,1,3\n", "notes.txt": "no bars",
      "EMPTY.csv": "date,open,high,low,close\n",
    ])
    #expect(read.series.keys.sorted() == ["A", "B"])
    #expect(read.series["A"]?.bars == 2 && read.series["A"]?.last.description == "1.50")
    #expect(read.series["B"] == .init(bars: 1, last: ExactDecimal(3)), "of two rows of a day the later counts")
    #expect(read.interval == "Daily" && read.span == 2 * 86_400 && read.bars == 3)
    #expect(read.speed == 2 * 86_400 / 8)
    let minutes = try await bars(["A.csv": "datetime,open,high,low,close\n2025-01-20 08:00:00,1,1,1,1\n"])
    #expect(minutes.interval == "1 Minute" && minutes.speed > 0)
  }

  @Test(arguments: [
    [:], ["A.csv": "date,open,high,low,close\n"], ["A.csv": "date,price\n2025-01-20,1\n"],
    ["A.csv": "date,open,high,low,close\nsoon,1,1,1,1\n"], ["A.csv": "date,open,high,low,close\n2025-01-20,1,1,1,x\n"],
  ]) func aFolderOfNoBarsIsAWrongSetting(files: [String: String]) async throws {
    let failure = await #expect(throws: Failure.self) { _ = try await bars(files) }
    #expect(failure?.errorClass == .configuration && failure?.message.contains("--bars") == true)
  }
}

@Suite struct MarketAnswersTests {
  private func answers(
    points: Int = 2, inObjects: Int = 2, last: Int32 = 5, time: Int64 = 60, isExact: Bool = true
  ) async throws -> MarketAnswers {
    let recorded = try await withTemporaryDirectory { folder in
      let text = "date,open,high,low,close\n2025-01-19,1,1,1,4\n2025-01-20,1,1,1,5.0\n"
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/COMI.csv"))
      return try RecordedBars(folder: folder)
    }
    var stored = StoreSide.Reading()
    stored.side.series["COMI"] = .init(bars: inObjects, time: 60, last: ExactDecimal(5))
    (stored.objects, stored.lines) = (1, inObjects)
    return MarketAnswers(
      recorded: recorded,
      points: MarketSide(series: ["COMI": .init(bars: points, time: time, last: ExactDecimal(last))]), stored: stored,
      isExact: isExact)
  }

  @Test func agreementIsReported() async throws {
    let answers = try await answers()
    try answers.requireAgreement()
    #expect(answers.differences.isEmpty)
    #expect(answers.lines.contains("All three agree on the last price of every symbol."))
    let more = try await self.answers(points: 9, inObjects: 8, isExact: false)
    try more.requireAgreement()
  }

  @Test func differencesAreReported() async throws {
    for answers in [
      try await answers(points: 1), try await answers(points: 3), try await answers(inObjects: 1),
      try await answers(last: 4), try await answers(time: 59), try await answers(points: 1, isExact: false),
    ] {
      let failure = #expect(throws: Failure.self) { try answers.requireAgreement() }
      #expect(failure?.message.contains("COMI") == true && failure?.code == "answers_differ")
      #expect(!answers.lines.contains { $0.contains("agree") })
    }
  }
}

@Suite struct MarketSurroundingsTests {
  @Test func settingsBecomeFlagsAndTheCallersYield() {
    setenv("SOUK_TEST_REGION", "from-the-caller", 1)
    setenv("SOUK_TEST_TOKEN", "of-the-caller", 1)
    var surroundings = Surroundings()
    surroundings.common = ["S3_ENDPOINT": "http://h:1", "SOUK_TEST_TOKEN": nil]
    let flags = surroundings.flags(
      ["S3_ENDPOINT", "SOUK_TEST_REGION", "SOUK_TEST_TOKEN", "ABSENT_X"], of: ServiceCatalogue.s3Consumer)
    #expect(flags == ["--s3-endpoint", "http://h:1", "--souk-test-region", "from-the-caller"])
  }
}
