import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import KafkaFlags
import Logging
import Messages
import Synchronization
import Testing
import TestSupport
import Values

@testable import Operations
@testable import SoukService

/// A letter as services write them: `FileDiscovered` records of one chain, broken in different ways.
private func headers(
  _ code: String, topic: String = Topics.filesDiscovered.name, offset: Int, _ more: [Header] = []
) -> [Header] {
  [
    (HeaderName.schema, topic), (HeaderName.traceparent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    (HeaderName.errorClass, "data"), (HeaderName.errorCode, code),
    (HeaderName.errorMessage, "url: expected a string, at byte 21"), (HeaderName.service, "downloader"),
    (HeaderName.serviceVersion, "0.1.0"), (HeaderName.stage, "decode"), (HeaderName.topic, topic),
    (HeaderName.partition, "3"), (HeaderName.offset, "\(offset)"), (HeaderName.timestamp, "1700000000000"),
  ].map { Header($0.0, $0.1) } + more
}

private let readable = Array(#"{"chain":"c","url":"https://h/d/P1.gz","timestamp":"2025-01-20T01:05:00Z"}"#.utf8)
private let broken = Array(#"{"chain":"c","url":17,"timestamp":"2025-01-20T01:05:00Z"}"#.utf8)

private func letter(
  _ value: [UInt8]?, code: String = "wrong_type", offset: Int64 = 0, topic: String = Topics.filesDiscovered.name,
  _ more: [Header] = []
) -> Letter {
  Letter(ReadRecord(
    TopicPartition(topic + ".dlq", 0), offset: offset, timestamp: 1_700_000_060_000 + offset,
    key: Array("c/P1.gz".utf8),
    value: value, headers: headers(code, topic: topic, offset: 40 + Int(offset), more)))
}

@Suite struct LetterTests {
  @Test func headersGiveOriginReasonAndTrace() {
    let letter = letter(broken, offset: 7)
    #expect(letter.origin == "gogobe.files.discovered[3]@47" && letter.service == "downloader")
    #expect(letter.trace == "0af7651916cd43dd8448eb211c80319c")
    #expect(letter.field == "url" && letter.byte == 21)
    #expect(clockText(letter.time) == "2023-11-14T22:14:20.007Z")
    let bare = Letter(ReadRecord(TopicPartition("t.dlq", 0), offset: 1))
    #expect(bare.origin == "?[?]@?" && bare.field == nil && bare.redrives == 0)
  }

  @Test func placesAreShortTextsAndBack() {
    let ids = [(0, 5), (0, 6), (0, 7), (2, 1), (0, 9), (0, 6)].map { RecordID(partition: $0.0, offset: $0.1) }
    let ranges = LetterRanges(ids)
    #expect(ranges.text == "0@5-7,0@9,2@1")
    #expect(LetterRanges(text: ranges.text) == ranges)
    #expect(ranges.contains(RecordID(partition: 0, offset: 6)) && !ranges.contains(RecordID(partition: 0, offset: 8)))
    #expect(LetterRanges(text: "x,0@,1@3-2,@4,1@5").text == "1@5")
    #expect(RecordID("3@17") != nil && RecordID("3@-1") == nil && RecordID("3") == nil)
  }

  @Test func listsFitEightyColumnsAndCountTheRest() {
    let letters = (0..<5).map { letter(broken, offset: Int64($0)) } + [letter(broken, code: "truncated", offset: 9)]
    let report = LetterReport(letters: letters, limit: 2).report
    let lines = report.lines(Terminal(width: 80, hasColour: false))
    #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines.joined(separator: "\n"))")
    #expect(lines.contains { $0.hasPrefix("0@9") && $0.contains("truncated") }, "the newest are shown")
    #expect(report.notes == ["6 dead letters, 4 not shown: wrong_type 5, truncated 1"])
    #expect(report.data["open"] == .integer(6))
    #expect(LetterReport(letters: [letters[0]], limit: 9).report.notes == ["1 dead letter: wrong_type 1"])
    let none = LetterReport(letters: [], limit: 9).report
    #expect(none.lines(Terminal(width: 80, hasColour: true)) == ["no dead letters"])
  }

  @Test func aLetterIsShownWithThePlaceThatIsWrong() {
    let detail = LetterDetail(letter(broken))
    let text = detail.lines(Terminal(width: 80, hasColour: false)).joined(separator: "\n")
    for wanted in [
      "field     url", "byte      21", "original  gogobe.files.discovered[3]@40", "produced  2023-11-14",
      "refused again: expected a string, at byte 19",
    ] {
      #expect(text.contains(wanted), "\(wanted) in\n\(text)")
    }
    #expect(detail.data["value"]?["url"] == .integer(17))
    // Bytes that are no text are shown as what they are.
    let binary = LetterDetail(letter([0, 1, 0xff, 65])).lines(Terminal(width: 80, hasColour: false))
    #expect(binary.last?.contains("00 01 ff 41") == true && binary.last?.hasSuffix("...A") == true)
  }

  @Test func filtersOfValuesAndTimes() throws {
    let found = letter(readable, code: "truncated", offset: 1)
    func matches(_ arguments: String...) throws -> Bool { try LetterFilter.parse(arguments).matches(found) }
    #expect(try matches("--code", "truncated", "--code", "other") && !matches("--code", "other"))
    #expect(try matches("--where", "chain=c") && !matches("--where", "chain!=c"))
    #expect(try matches("--since", "2023-11-14T22:14:00Z", "--until", "2023-11-14T22:15:00Z"))
    #expect(try !matches("--since", "1h") && !matches("--key", "c/P2.gz"))
  }
}

@Suite struct RedrivePlanTests {
  private func fate(_ letter: Letter, _ most: Int = 3, again: Bool = false, force: Bool = false) -> RedrivePlan.Fate {
    RedrivePlan([letter], mostRedrives: most, again: again, force: force).items[0].fate
  }

  @Test func onlyWhatTodaysCodeReadsIsSent() {
    #expect(fate(letter(readable)) == .send)
    guard case .refusedToday(let reason) = fate(letter(broken)) else { return #expect(Bool(false)) }
    #expect(reason == "expected a string, at byte 19")
    #expect(fate(letter(broken), force: true) == .sendUnchecked)
    #expect(fate(letter(broken, topic: "someone.elses")) == .sendUnchecked)
    #expect(fate(letter(nil)) == .send, "a tombstone")
  }

  @Test func whatKeepsComingBackIsNotSentForEver() {
    let returned = letter(readable, [Header(RedriveHeader.count, "2")])
    #expect(fate(returned, 3) == .send && fate(returned, 2) == .loops(2))
  }

  @Test func whatIsHandledOrCutStays() {
    var handled = letter(readable)
    handled.handled = Handling(act: .dismissed, by: "dana", at: 1)
    #expect(!fate(handled).isSent && fate(handled, again: true) == .send)
    #expect(fate(letter(readable, [Header(HeaderName.cut, "value")])) == .isCut("value"))
  }

  /// As it was before it failed, with a count; in the partition that its producer would pick.
  @Test func theRecordGoesBackAsItWas() throws {
    let plan = RedrivePlan([letter(readable, [Header(RedriveHeader.count, "1")])], mostRedrives: 3)
    #expect(plan.items[0].partitionKey == Array("c/".utf8), "ordered by chain and store, not by file")
    let counts = RedrivePlan((0..<3).map { letter($0 == 0 ? readable : broken) }, mostRedrives: 3).counts
    #expect(counts.map(\.name) == ["refused again", "would pass"] && counts.map(\.count) == [2, 1])
  }

  /// Every topic that a service may dead-letter has a form that this release can judge.
  @Test func everyTopicOfTheCatalogueIsKnown() throws {
    let leases = [Topics.schedulerLease, Topics.marketSchedulerLease]
    for topic in Topics.all where !leases.contains(topic) {
      let isBatch = [Topics.productsIngest, Topics.promotionsIngest].contains(topic)
      #expect(isBatch || MessageBook.type(of: topic.name) != nil, "\(topic.name)")
      #expect(throws: DecodingFailure.self) { _ = try MessageBook.read(topic.name, key: nil, value: Array("{".utf8)) }
    }
    #expect(try MessageBook.read("unknown", key: nil, value: []) == nil)
  }
}

/// The commands over a broker.
@Suite struct DeadLettersCommandTests {
  private final class Bench {
    let broker: EmbeddedBroker
    let origin = Topics.filesDiscovered.name
    let cluster: Cluster
    private let kafka: [String]

    init() throws {
      broker = try EmbeddedBroker(topics: [
        (Topics.filesDiscovered.name, 3), (Topics.filesDiscovered.deadLetterName, 3), (Topics.alerts.name, 1),
      ])
      kafka = ["--kafka-bootstrap-servers", broker.bootstrapServers]
      cluster = try Cluster(ClusterOptions.parse(kafka))
    }

    var book: LetterBook { LetterBook(cluster: cluster) }

    func produce(_ letters: [(key: String, value: [UInt8], code: String)]) async throws {
      try await cluster.withProducer { producer in
        var batch = OutgoingBatch()
        for (index, letter) in letters.enumerated() {
          batch.append(
            topic: Topics.filesDiscovered.deadLetterName, key: Array(letter.key.utf8), value: letter.value,
            headers: headers(letter.code, offset: index))
        }
        try await producer.send(batch)
      }
    }

    func run(_ arguments: String...) async throws {
      let command = try DeadLettersCommand.parseAsRoot(arguments + kafka)
      var asynchronous = try #require(command as? any AsyncParsableCommand)
      try await asynchronous.run()
    }

    func records(of topic: String) async throws -> [ReadRecord] {
      let seen = Mutex<[ReadRecord]>([])
      try await cluster.read(topic, stop: Interruption()) { record in
        let copy = ReadRecord(record)
        seen.withLock { $0.append(copy) }
      }
      return seen.withLock { $0 }
    }
  }

  private func withBench(_ body: (Bench) async throws -> Void) async throws {
    let bench = try Bench()
    defer { bench.broker.close() }
    try await bench.produce([
      ("c/P1.gz", readable, "truncated"), ("c/P2.gz", broken, "wrong_type"), ("d/P3.gz", readable, "truncated"),
    ])
    try await body(bench)
  }

  @Test(.timeLimit(.minutes(10))) func aRedriveSendsOnceAndIsRecorded() async throws {
    try await withBench { bench in
      // The one that today's code refuses stays, which is exit code 2.
      await #expect(throws: ExitCode(2)) { try await bench.run("redrive", bench.origin, "--dry-run") }
      #expect(try await bench.records(of: bench.origin).isEmpty, "a dry run sends nothing")
      await #expect(throws: ExitCode(2)) {
        try await bench.run("redrive", bench.origin, "--by", "dana", "--reason", "fixed", "--rate", "1000")
      }
      let sent = try await bench.records(of: bench.origin)
      #expect(Set(sent.map { String(decoding: $0.key ?? [], as: UTF8.self) }) == ["c/P1.gz", "d/P3.gz"])
      for record in sent {
        #expect(record.value == readable && record.header(RedriveHeader.count) == "1")
        #expect(record.header(HeaderName.errorCode) == nil && record.header(HeaderName.schema) != nil)
      }
      let alert = try Alert(decoding: try #require(try await bench.records(of: Topics.alerts.name).first?.value))
      #expect(alert.message == "2 dead letters of gogobe.files.discovered redriven by dana (all): fixed")

      // Once more sends nothing: they are handled.
      await #expect(throws: ExitCode(2)) { try await bench.run("redrive", bench.origin) }
      #expect(try await bench.records(of: bench.origin).count == 2)
      let letters = try await bench.book.letters(of: bench.origin, where: LetterFilter.parse([]))
      #expect(letters.count { $0.handled?.act == .redriven && $0.handled?.by == "dana" } == 2)
      let notes = LetterReport(letters: letters, limit: 9).report.notes
      #expect(notes == ["1 dead letter: wrong_type 1; 2 redriven, 0 dismissed"])
    }
  }

  @Test(.timeLimit(.minutes(10))) func aDismissedLetterIsOpenNoMore() async throws {
    try await withBench { bench in
      try await bench.run("dismiss", bench.origin + ".dlq", "--code", "wrong_type", "--by", "dana")
      let letters = try await bench.book.letters(of: bench.origin, where: LetterFilter.parse([]))
      #expect(letters.filter { $0.handled != nil }.map(\.code) == ["wrong_type"])
      #expect(try await bench.book.origins() == [bench.origin])
      try await bench.run("overview", "-o", "json")
      try await bench.run("ls", bench.origin, "-o", "yaml")
      try await bench.run("redrive", bench.origin, "--code", "truncated")
      #expect(try await bench.records(of: bench.origin).count == 2)
    }
  }

  @Test(.timeLimit(.minutes(10))) func whatIsNotThereIsNamed() async throws {
    try await withBench { bench in
      let letter = try await #require(throws: Failure.self) { try await bench.run("show", bench.origin, "0@4711") }
      #expect(letter.message.contains("has no record 0@4711"))
      let topic = try await #require(throws: Failure.self) { try await bench.run("ls", "gogobe.files.discoverd") }
      #expect(topic.errorClass == .configuration)
      #expect(topic.message.contains("did you mean gogobe.files.discovered.dlq?"))
    }
  }

  @Test(arguments: [
    ["show", "t", "seventeen"], ["dismiss", "t"], ["redrive", "t", "--rate", "0"], ["ls", "t", "--limit", "0"],
  ])
  func wrongArgumentsAreFoundFirst(_ arguments: [String]) {
    #expect(throws: (any Error).self) { _ = try DeadLettersCommand.parseAsRoot(arguments) }
  }
}

@Suite struct ConditionTests {
  private let value = DataValue(parsing: Array("""
    {"chain":"shufersal","price":"12.90","n":3,"items":[{"p":1},{"p":25}],"note":null,"a":{"b":true}}
    """.utf8))!

  @Test(arguments: [
    ("chain=shufersal", true), ("chain!=shufersal", false), ("chain~FER", true), ("price=12.9", true),
    ("price>12", true), ("price<12.9", false), ("n>=3", true), ("n<=2", false), ("items.p>20", true),
    ("items.p=2", false), ("a.b=true", true), ("missing=1", false), ("missing!=1", true), ("note=null", true),
  ])
  func conditionsOverFields(_ text: String, _ isMet: Bool) throws {
    #expect(try #require(Condition(argument: text)).matches(value) == isMet)
  }

  @Test(arguments: ["", "chain", "=x", "a..b=1", ".a=1"]) func whatIsNoConditionIsRefused(_ text: String) {
    #expect(Condition(argument: text) == nil)
  }

  @Test func jsonKeepsOrderAndDigits() {
    let text = #"{"z":1.10,"a":[1e3,-0.0,12345678901234567890],"q":"\u05e9\n","e":{},"l":[]}"#
    let written = #"{"z":1.10,"a":[1e3,-0.0,12345678901234567890],"q":"ש\n","e":{},"l":[]}"#
    #expect(DataValue(parsing: Array(text.utf8))?.json == written)
    for broken in ["", "{", "{\"a\" 1}", "nul", "{\"a\":1}x"] {
      #expect(DataValue(parsing: Array(broken.utf8)) == nil, "\(broken)")
    }
    #expect(DataValue(parsing: Array(String(repeating: "[", count: 200).utf8)) == nil)
  }

  @Test func secretsAreHidden() throws {
    let value = try #require(DataValue(parsing: Array("""
      {"url":"https://u:pw@h/x?sig=abc&a=1","api_token":"t","key":"chain/1","n":[{"password":"p"}]}
      """.utf8)))
    let text = Masked.fields(value).json
    for secret in ["pw", "abc", "\"t\"", "\"p\""] { #expect(!text.contains(secret), "\(text)") }
    #expect(text.contains("chain/1") && text.contains("a=1"))
  }

  @Test func momentsAreAgoOrAt() {
    #expect(Moment(argument: "10m")?.milliseconds(now: 1_000_000) == 400_000)
    #expect(Moment(argument: "2023-11-14T22:13:20Z")?.milliseconds(now: 0) == 1_700_000_000_000)
    #expect(Moment(argument: "yesterday") == nil && Moment(argument: "earliest") == nil)
  }
}
