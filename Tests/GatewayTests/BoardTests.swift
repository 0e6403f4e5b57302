import Catalogue
import Core
import LocalServers
import Testing
import TestSupport

@testable import GatewayService
@testable import Kafka
@testable import Operations

/// What pages are made of, without a server.
@Suite struct BoardPartTests {
  @Test func textIsEscapedWhereverItStands() {
    let bad = BoardFixture.hostile
    let html = HTML.tag("p", [.class(bad), .href(Link(["a/b", bad]))], "\(bad)", .name(bad))
    #expect(html.markup.split(separator: "<img").count == 1 && !html.markup.contains("<script"))
    #expect(html.markup.hasPrefix("<p class=\"&lt;img src=x onerror=alert(1)&gt; &quot;&#39;&amp;"))
    #expect(html.markup.contains("href=\"/board/a%2Fb/%3Cimg%20"))
    #expect(HTML.text("a\u{0}b\u{1b}").markup == "a\u{fffd}b\u{fffd}")
    #expect(HTML.tag("br").markup == "<br>" && HTML.tag("td").markup == "<td></td>")
  }

  @Test func onlyPublicAddressesAreLinks() {
    for address in ["javascript:alert(1)", " http://a", "data:text/html,x", "//a", "ftp://a", "https://a b"] {
      #expect(Link(external: address) == nil)
    }
    #expect(Link(external: "https://example.org/a?b=\"c\"") != nil)
    #expect(Link([], [("a", "ä"), ("b", nil), ("c", "")]).address == "/board?a=%C3%A4")
  }

  @Test func axesHaveRoundNumbers() {
    #expect(Plot.ticks(0...10, 5).map(\.1) == ["0", "2", "4", "6", "8", "10"])
    #expect(Plot.ticks(0.1...0.35, 5).map(\.1) == ["0.10", "0.15", "0.20", "0.25", "0.30", "0.35"])
    #expect(Plot.decimal(-1_234.5, 2) == "-1,234.50" && Plot.decimal(0.999, 2) == "1.00")
    let hour = 3_600_000.0
    #expect(Plot.times(0...6 * hour).map(\.1) == ["00:00", "01:00", "02:00", "03:00", "04:00", "05:00", "06:00"])
    #expect(Plot.range([1, .nan, 3])?.contains(3) == true && Plot.range([Double.nan]) == nil)
    #expect(Plot.number(.infinity) == "0" && Plot.number(-0.004) == "0" && Plot.number(1.5) == "1.5")
  }

  @Test func theMapHasEveryServiceAndTopicOnce() {
    for system in FleetSystem.allCases {
      let map = FleetMap(system, services: [:], topics: [:], readers: [:])
      guard case .list(let boxes)? = map.data["boxes"] else {
        Issue.record("no boxes")
        continue
      }
      let names = boxes.compactMap { box -> String? in if case .text(let name)? = box["name"] { name } else { nil } }
      #expect(Set(names).count == names.count && Set(names).isSuperset(of: system.services.map(\.name)))
    }
  }

  @Test func aPanelThatFailsSaysWhyAndNoMore() async {
    struct Defect: Error {}
    let noted = Interruption()
    for (error, words) in [
      (Problem.away("kafka", "Kafka does not answer.") as any Error, "Kafka does not answer."),
      (Failure(.transient, code: "x", "no route"), "no route"),
      (Defect(), "the board could not make this (unknown); the gateway's log has the reason"),
    ] {
      let panel = Panel("a", "A", nil) { throw error }
      guard case .away(let reason) = await panel.state({ _ in noted.raise() }) else {
        Issue.record("\(error) is not away")
        continue
      }
      #expect(reason.contains(words))
    }
    #expect(noted.isRaised)
  }

  @Test func groupsAreComplainedOfInWords() {
    func group(_ committed: Int64?, members: [String], moved: Int64 = 0) -> GroupLag {
      var partition = PartitionStanding(
        place: TopicPartition("t", 0), committed: committed, low: 0, end: 1_000, oldest: 0)
      partition.before = (committed.map { $0 - moved }, 1_000)
      return GroupLag(
        group: "g", partitions: [partition], state: GroupState(name: "Stable", members: members), window: .seconds(1),
        now: 7_200_000)
    }
    #expect(Board.complaints([group(10, members: ["m"])]) == [
      "g is stuck: it committed nothing between two looks; 990 records wait, the oldest for 2h."
    ])
    #expect(Board.complaints([group(10, members: ["m"], moved: 5)]) == [
      "g is behind and works; 990 records wait, the oldest for 2h."
    ])
    #expect(Board.complaints([group(1_000, members: ["m"]), group(nil, members: [])]) == [])
  }
}

/// The pages of a gateway's process, as a browser sees them.
@Suite(.timeLimit(.minutes(20))) struct BoardProcessTests {
  private static let pages = [
    "/board", "/board?system=prices", "/board/fleet/downloader", "/board/topics?system=prices",
    "/board/topics/gogobe.files.downloaded?where=chain%3Dshufersal&count=5", "/board/topics/market-gaps?live=true",
    "/board/record?topic=gogobe.files.downloaded&at=0%402", "/board/dead-letters",
    "/board/dead-letters/gogobe.files.downloaded", "/board/letter?topic=gogobe.files.downloaded&at=0%401",
    "/board/gaps", "/board/jobs", "/board/alerts",
  ]

  private func panels(_ lines: [String], _ path: String) -> [String] {
    lines.filter { $0.hasPrefix("PANEL \(path) ") }.map { line in
      let words = line.split(separator: " ", maxSplits: 4)
      return "\(words[2]) \(words[3])"
    }
  }

  @Test func pagesAreWholeWithDataAndWithoutKafka() async throws {
    let board = try await BoardFixture.start()
    try await board.awaitTables()
    let lines = try await board.look(Self.pages)
    #expect(lines.filter { $0.hasPrefix("FAULT") } == [])
    #expect(panels(lines, "/board") == [
      "totals data", "words data", "map-prices data", "map-egx empty", "map-sentinel empty", "map-lambda empty",
    ])
    #expect(panels(lines, "/board/fleet/downloader") == [
      "about data", "processes empty", "groups data", "partitions data",
    ])
    for path in Self.pages where !["/board", "/board/jobs", "/board/fleet/downloader"].contains(path) {
      #expect(!panels(lines, path).contains { !$0.hasSuffix(" data") }, "\(path): \(panels(lines, path))")
    }
    let letters = try await board.curl("\(board.base)/board/dead-letters/gogobe.files.downloaded.json")
    #expect(letters.contains("\"open\":5") && letters.contains("\"code\":\"truncated\""))
    let records = try await board.curl("\(board.base)/board/topics/gogobe.files.downloaded.ndjson?from=earliest")
    #expect(records.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("{") }.count == 8)
    #expect(!records.contains("secret1"), "what looks like a secret is hidden")
    for (path, status) in [
      ("/board/topics/no-such-topic.ndjson", "404"), ("/board/nothing", "404"), ("/board/gaps?days=x", "400"),
      ("/board/gaps?unknown=1", "400"), ("/board/topics/market-gaps?where=x", "400"), ("/", "303"),
    ] {
      #expect(try await board.curl(board.base + path).hasPrefix("HTTP/1.1 \(status)"), "\(path)")
    }
    #expect(try await board.curl("-X", "POST", "\(board.base)/board/dismiss/gogobe.files.downloaded")
      .hasPrefix("HTTP/1.1 405"), "without --allow-writes there is no such form")

    board.broker.takeDown()
    // A reading of lag is kept for some seconds, and shown meanwhile with its age.
    try await eventually("the reading is too old to be shown", interval: .milliseconds(500)) {
      let page = try await board.curl("\(board.base)/board.json")
      return page.contains("\"state\":\"away\"")
    }
    let away = try await board.look(["/board", "/board/topics", "/board/dead-letters", "/board/alerts"], in: "read")
    #expect(away.filter { $0.hasPrefix("FAULT") } == [])
    #expect(panels(away, "/board/dead-letters") == ["topics away"])
    #expect(panels(away, "/board/topics") == ["topics away"])
    #expect(panels(away, "/board").contains("map-prices away"))
    #expect(await board.stop() == .exited(0))
  }

  @Test func pagesSayThatThereIsNothing() async throws {
    let board = try await BoardFixture.start(withData: false)
    try await board.awaitTables()
    let lines = try await board.look(["/board/dead-letters", "/board/gaps", "/board/jobs", "/board/alerts"])
    #expect(lines.filter { $0.hasPrefix("FAULT") } == [])
    #expect(lines.filter { $0.hasPrefix("PANEL") }.allSatisfy { $0.contains(" empty ") })
    #expect(await board.stop() == .exited(0))
  }

  @Test func lettersAreHandledWithATokenOnly() async throws {
    let board = try await BoardFixture.start(["TOKENS_FILE": "TOKENS", "ALLOW_WRITES": "true"])
    let (page, topic) = ("\(board.base)/board/", "gogobe.files.downloaded")
    let login = "any:\(BoardFixture.token)"
    #expect(try await board.curl(page + "dead-letters").contains("HTTP/1.1 401"))
    #expect(try await board.curl("-u", login, page + "redrive/\(topic)").contains("Dry run"))
    let form = "token=\(BoardFixture.token)&code=truncated&reason=seen"
    for (headers, body, status) in [
      ("Sec-Fetch-Site: cross-site", form, "403"), ("Sec-Fetch-Site: none", form, "403"),
      ("Sec-Fetch-Site: same-origin", "code=truncated", "401"), ("Content-Type: application/json", form, "415"),
    ] {
      let answer = try await board.curl("-u", login, "-H", headers, "-d", body, page + "dismiss/\(topic)")
      #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(headers) \(body): \(answer.prefix(60))")
    }
    let done = try await board.curl("-H", "Sec-Fetch-Site: same-origin", "-d", form, page + "dismiss/\(topic)")
    #expect(done.contains("Dismissed 3 dead letters"))
    let left = try await board.curl("-u", login, page + "dead-letters/\(topic).json")
    #expect(left.contains("\"open\":2") && left.contains("\"dismissed\":3"))
    let sent = try await board.curl("-d", "token=\(BoardFixture.token)", page + "redrive/\(topic)")
    #expect(sent.contains("Sent 0 records"), "today's code refuses what is no message of the topic")
    #expect(await board.stop() == .exited(0))
  }
}
