import ArgumentParser
import Catalogue
import Core
@testable import HotWriterService
import Kafka
import LocalServers
import Messages
import Pipeline
import Redis
import Synchronization
import Testing
import TestSupport
import Values

import Glibc

/// The contract of every sink, against a real Redis with time series.
@Suite(.timeLimit(.minutes(15))) struct HotSinkTests {
  private let ticks = HotFixture.partition()
  private let bars = HotFixture.partition(0, Topics.marketBars)

  @Test func aTickIsSamplesLastValuesAndAnEntryOfTheTail() async throws {
    let fixture = try await HotFixture()
    let sink = fixture.sink()
    #expect(try await sink.start([ticks]) == [:])
    sink.append(Feeding.trade(ago: 3_000, "189.25", size: "0.5", id: "a"), 7)
    sink.append(Feeding.quote(ago: 2_000, bid: "189.2", ask: "0"), 8)
    sink.append(Feeding.bar(minute: 3, close: "7"), 5, bars)
    #expect(sink.load.rows == 10)
    let report = try await sink.flush(to: [ticks: 9, bars: 6])
    #expect(report.durable == [ticks: 9, bars: 6] && report.poison.isEmpty && report.rows == 10)
    #expect(sink.load == SinkLoad())
    #expect(try await fixture.samples("ts:AAPL:price") == [Feeding.now - 3_000: 189.25])
    #expect(try await fixture.samples("ts:AAPL:size") == [Feeding.now - 3_000: 0.5])
    #expect(try await fixture.samples("ts:AAPL:bid") == [Feeding.now - 2_000: 189.2])
    // A side without an offer has no price.
    #expect(try await fixture.ask("EXISTS", "ts:AAPL:ask").integer == 0)
    let start = (Feeding.now / 60_000 - 3) * 60_000
    #expect(try await fixture.samples("ts:AAPL:1m:close") == [start: 7])
    #expect(try await fixture.samples("ts:AAPL:1m:low") == [start: 0.001])
    let trade = try await fixture.hash("trade:AAPL")
    #expect(trade == [
      "event_ns": "\((Feeding.now - 3_000) * 1_000_000)", "price": "189.25", "size": "0.5", "id": "a",
      "exchange": "4", "feed": "polygon-stocks",
    ])
    #expect(try await fixture.hash("quote:AAPL")["ask"] == "0")
    #expect(try await fixture.length() == 3)
    // As a person asks: by labels, and what a series is.
    let found = try await fixture.ask("TS.QUERYINDEX", "symbol=AAPL", "interval=1m", "field=close")
    #expect(found.array?.compactMap(\.text) == ["ts:AAPL:1m:close"])
    let about = try await fixture.ask("TS.INFO", "ts:AAPL:1m:close").array ?? []
    let place = try #require(about.firstIndex { $0.text == "retentionTime" })
    let retention: Int64 = 30 * 86_400_000
    #expect(about[place + 1].integer == retention)
    await fixture.server.stop()
  }

  /// Ticks, late ones, several in one millisecond, bars and their revisions, in random batches: the series are what
  /// the last record of each stamp says, also after any part is written again by another process.
  @Test(arguments: 0..<4) func aRepeatChangesNothing(_ seed: Int) async throws {
    let fixture = try await HotFixture()
    var random = TestRandom("hot \(seed)")
    var records: [(bytes: [UInt8], partition: TopicPartition)] = []
    var truth: [String: [Int64: Double]] = [:]
    for _ in 0..<400 {
      let symbol = ["AAPL", "BRK.B", "X"].randomElement(using: &random)!
      let price = Int.random(in: 1...9_999, using: &random)
      let text = "\(price / 100).\(price % 100 < 10 ? "0" : "")\(price % 100)"
      if Bool.random(using: &random) {
        let ago = Int64.random(in: 1...60, using: &random) * (Bool.random(using: &random) ? 1 : 1_000)
        records.append((Feeding.trade(symbol, ago: ago, text), ticks))
        truth["ts:\(symbol):price", default: [:]][Feeding.now - ago] = Double(text)
      } else {
        let minute = Int64.random(in: 1...20, using: &random)
        records.append((Feeding.bar(symbol, minute: minute, close: text), bars))
        truth["ts:\(symbol):1m:close", default: [:]][(Feeding.now / 60_000 - minute) * 60_000] = Double(text)
      }
    }
    func write(from start: Int, by sink: HotSink) async throws {
      var next: [TopicPartition: Int64] = [:]
      for (offset, record) in records.enumerated().dropFirst(start) {
        #expect(sink.append(record.bytes, Int64(offset), record.partition) == .keep)
        next[record.partition] = Int64(offset) + 1
        if Int.random(in: 0..<20, using: &random) == 0 { _ = try await sink.flush(to: next) }
      }
      _ = try await sink.flush(to: next)
    }
    func state() async throws -> [String: [Int64: Double]] {
      var state: [String: [Int64: Double]] = [:]
      for key in truth.keys { state[key] = try await fixture.samples(key) }
      return state
    }
    try await write(from: 0, by: fixture.sink())
    #expect(try await state() == truth)
    let hash = try await fixture.hash("trade:AAPL")
    let length = try await fixture.length()
    #expect(length == 400)
    for start in [0, 399, Int.random(in: 0..<399, using: &random)] {
      // A process that dies in the middle, and the next one that begins again.
      let dying = fixture.sink()
      for (offset, record) in records.enumerated().dropFirst(start).prefix(30) {
        dying.append(record.bytes, Int64(offset), record.partition)
      }
      _ = try await dying.flush(to: [:])
      try await write(from: start, by: fixture.sink())
      #expect(try await state() == truth)
      #expect(try await fixture.hash("trade:AAPL") == hash)
      #expect(try await fixture.length() == length)
    }
    await fixture.server.stop()
  }

  @Test func lastValuesFollowEventTimeCorrectionsAndCancels() async throws {
    let fixture = try await HotFixture(isOwn: false)
    let symbol = "L" + TestServers.uniqueName()
    let sink = fixture.sink()
    // Nanoseconds count, and the order of records does not.
    sink.append(Feeding.trade(symbol, ago: 500, "2", id: "b", nanoseconds: 2), 0)
    sink.append(Feeding.trade(symbol, ago: 500, "1", id: "a", nanoseconds: 1), 1)
    _ = try await sink.flush(to: [ticks: 2])
    sink.append(Feeding.trade(symbol, ago: 900, "3", id: "c"), 2)
    _ = try await sink.flush(to: [ticks: 3])
    #expect(try await fixture.hash("trade:\(symbol)")["price"] == "2")
    var correction = FeedTick(
      .correction, symbol: symbol, feed: "polygon-stocks", eventNs: Feeding.now * 1_000_000, knownNs: 0)
    correction[\.exchange] = "4"
    correction[\.originalID] = "b"
    correction[\.id] = "b2"
    correction[\.price] = ExactDecimal("2.5")
    sink.append(correction.encoded(), 3)
    // Of a trade that is not the last one, or at another exchange, nothing is known here.
    var other = FeedTick(.cancel, symbol: symbol, feed: "polygon-stocks", eventNs: Feeding.now * 1_000_000, knownNs: 0)
    other[\.exchange] = "9"
    other[\.id] = "b2"
    sink.append(other.encoded(), 4)
    _ = try await sink.flush(to: [ticks: 5])
    var trade = try await fixture.hash("trade:\(symbol)")
    #expect(trade["price"] == "2.5" && trade["id"] == "b2" && trade["corrects"] == "b" && trade["cancelled"] == nil)
    other[\.exchange] = "4"
    sink.append(other.encoded(), 5)
    _ = try await sink.flush(to: [ticks: 6])
    trade = try await fixture.hash("trade:\(symbol)")
    #expect(trade["cancelled"] == "1")
    // A later trade replaces all of it.
    sink.append(Feeding.trade(symbol, ago: 100, "4", id: "d"), 6)
    _ = try await sink.flush(to: [ticks: 7])
    trade = try await fixture.hash("trade:\(symbol)")
    #expect(trade["price"] == "4" && trade["cancelled"] == nil && trade["corrects"] == nil)
  }

  /// A later state that lacks a value deletes that of the earlier one, and a repeat of that does not bring it back.
  @Test func aBarHasNoValueThatItsLastStateLacks() async throws {
    var fixture = try await HotFixture(isOwn: false)
    fixture.policy.barFields = [.known, .revision, .close, .vwap]
    let symbol = "V" + TestServers.uniqueName()
    for (known, vwap, truth) in [(10, "5", [5.0]), (20, nil, []), (10, "5", []), (30, "6", [6])] as [
      (Int64, String?, [Double])
    ] {
      let sink = fixture.sink()
      sink.append(Feeding.bar(symbol, minute: 3, close: "2", known: known, vwap: vwap), 0, bars)
      _ = try await sink.flush(to: [bars: 1])
      #expect(try await fixture.samples("ts:\(symbol):1m:vwap").map(\.value) == truth)
    }
  }

  /// Which state of a bar holds is said by when it was known and by its revision, in whatever order the records come:
  /// in one flush, in another one, by a process that was frozen meanwhile, from another feed.
  @Test func aBarIsWhatWasKnownLast() async throws {
    let fixture = try await HotFixture(isOwn: false)
    let symbol = "B" + TestServers.uniqueName()
    let start = (Feeding.now / 60_000 - 3) * 60_000
    let (first, second) = (fixture.sink(), fixture.sink())
    func state(_ close: String, known: Int64, _ revision: Int64 = 0, feed: String = "polygon-stocks") -> [UInt8] {
      Feeding.bar(symbol, minute: 3, close: close, revision: revision, known: known, feed: feed)
    }
    func close() async throws -> [Int64: Double] { try await fixture.samples("ts:\(symbol):1m:close") }
    first.append(state("2", known: 20, 1), 0, bars)
    first.append(state("1", known: 10, 0), 1, bars)
    _ = try await first.flush(to: [bars: 2])
    #expect(try await close() == [start: 2])
    second.append(state("1", known: 10, 0), 0, bars)
    second.append(state("1.5", known: 20, 0), 1, bars)
    _ = try await second.flush(to: [bars: 2])
    #expect(try await close() == [start: 2], "of two states that were known at once the higher revision holds")
    second.append(state("3", known: 30, 0, feed: "alpaca-stocks"), 2, bars)
    _ = try await second.flush(to: [bars: 3])
    first.append(state("2", known: 20, 1), 2, bars)
    _ = try await first.flush(to: [bars: 3])
    #expect(try await close() == [start: 3])
    #expect(try await fixture.samples("ts:\(symbol):1m:known") == [start: Double(Feeding.now + 30) * 1_000])
    #expect(try await fixture.samples("ts:\(symbol):1m:revision") == [start: 0])
    // More bars than one call of the script takes, and the next minute of a known series.
    for minute in 4..<300 as Range<Int64> {
      first.append(Feeding.bar(symbol, minute: minute, close: "\(minute)"), minute, bars)
    }
    first.append(Feeding.bar(symbol, minute: 2, close: "9"), 300, bars)
    _ = try await first.flush(to: [bars: 301])
    #expect(try await close().count == 298)
    #expect(try await close()[start + 60_000] == 9)
    // A series that is gone from the server is made again.
    try await fixture.ask("DEL", "ts:\(symbol):1m:close")
    first.append(Feeding.bar(symbol, minute: 2, close: "9", known: 1), 301, bars)
    _ = try await first.flush(to: [bars: 302])
    #expect(try await close() == [start + 60_000: 9])
  }

  @Test func barsOutsideTheRetentionAreCounted() async throws {
    var fixture = try await HotFixture(isOwn: false)
    fixture.policy.barRetention = RetentionByName(["1m": .seconds(3_600)], others: .seconds(86_400))
    let symbol = "O" + TestServers.uniqueName()
    var reader = RecordReader(fixture.policy, limits: fixture.limits)
    var buffer = PartitionBuffer()
    for (offset, minute) in ([2, 100, 3] as [Int64]).enumerated() {
      let bytes = Feeding.bar(symbol, minute: minute, close: "1")
      #expect(reader.append(bar: bytes.span.bytes, at: Int64(offset), to: &buffer) == .keep)
    }
    var (table, digests) = (reader.table, [[UInt8]]())
    let writer = HotWriter(client: fixture.client, tail: 0)
    let outcome = try await writer.write([(bars, buffer)], &table, digests: &digests)
    // Open, high, low, close, volume, known and revision of each.
    #expect(outcome.written == 14 && outcome.outsideRetention == 7 && outcome.superseded == 0)
    let again = try await writer.write([(bars, buffer)], &table, digests: &digests)
    #expect(again.written == 0 && again.equal == 14 && again.outsideRetention == 7)
    let older = Feeding.bar(symbol, minute: 2, close: "7", known: -5)
    buffer.clear()
    #expect(reader.append(bar: older.span.bytes, at: 3, to: &buffer) == .keep)
    let outdated = try await writer.write([(bars, buffer)], &table, digests: &digests)
    #expect(outdated.superseded == 1 && outdated.written == 0)
  }

  /// A clock that ran ahead and was set back lets no stamp of that time in.
  @Test func aClockThatIsSetBackIsBelieved() async throws {
    let fixture = try await HotFixture(isOwn: false)
    let symbol = "C" + TestServers.uniqueName()
    let clock = Clock()
    clock.now = Feeding.now + 3_600_000
    let sink = fixture.sink { clock.now }
    #expect(sink.code(Feeding.trade(symbol, ago: -3_000_000, "1")) == nil)
    sink.drop([ticks])
    clock.now = Feeding.now
    _ = try await sink.flush(to: [:])
    #expect(sink.code(Feeding.trade(symbol, ago: -3_000_000, "1")) == "future_stamp")
    // And one that is set right after it ran behind.
    clock.now = Feeding.now - 3_600_000
    _ = try await sink.flush(to: [:])
    #expect(sink.code(Feeding.trade(symbol, ago: 1_000, "1")) == "future_stamp")
    clock.now = Feeding.now
    #expect(sink.code(Feeding.trade(symbol, ago: 1_000, "1")) == nil)
  }

  private final class Clock: Sendable {
    private let storage = Mutex<Int64>(0)
    var now: Int64 {
      get { storage.withLock { $0 } }
      set { storage.withLock { $0 = newValue } }
    }
  }

  @Test func theStateOfAGapIsTheLastRecordOfIt() async throws {
    let fixture = try await HotFixture(isOwn: false)
    let symbol = "G" + TestServers.uniqueName()
    let gaps = HotFixture.partition(0, Topics.marketGaps)
    let sink = fixture.sink()
    var gap = FeedGap(
      feed: "polygon-stocks", symbol: symbol, channels: ["trades"], fromNs: 1, why: .disconnected, openedNs: 2)
    #expect(sink.append(gap.encoded(), 0, gaps) == .keep)
    gap.state = .filled
    gap.added = 7
    #expect(sink.append(gap.encoded(), 1, gaps) == .keep)
    #expect(sink.code(Array("{}".utf8), gaps) == "missing_field")
    _ = try await sink.flush(to: [gaps: 3])
    let held = try await fixture.hash("gaps:\(symbol)")
    #expect(held == ["polygon-stocks/\(symbol)/1": String(decoding: gap.encoded(), as: UTF8.self)])
    #expect(try await fixture.ask("TTL", "gaps:\(symbol)").integer ?? 0 > 29 * 86_400)
  }

  @Test func wrongRecordsAreRefusedBeforeTheyDoHarm() async throws {
    let fixture = try await HotFixture(isOwn: false)
    var narrow = fixture
    narrow.limits.symbols = 1
    let sink = narrow.sink()
    #expect(sink.code(Feeding.trade("ONLY", "1")) == nil)
    #expect(sink.code(Feeding.trade("ONLY", ago: -3_600_000, "1")) == "future_stamp")
    #expect(sink.code(Feeding.trade("OTHER", "1")) == "too_many_symbols")
    #expect(sink.code(Feeding.trade("A B", "1")) == "bad_value")
    #expect(sink.code(Feeding.bar("ONLY", minute: -10, close: "1"), bars) == "future_stamp")
    #expect(sink.code(Array("{\"kind\":\"trade\"}".utf8)) == "missing_field")
    #expect(sink.code(Array("{".utf8)) == "malformed_json")
    let milliseconds = FeedTick(.trade, symbol: "ONLY", feed: "f", eventNs: Feeding.now, knownNs: 0)
    #expect(sink.code(milliseconds.encoded()) == "bad_timestamp")
    let bare = FeedTick(.trade, symbol: "ONLY", feed: "f", eventNs: Feeding.now * 1_000_000, knownNs: 0)
    #expect(sink.code(bare.encoded()) == "missing_field")
    var chosen = fixture
    chosen.limits.feeds = [Array("alpaca-stocks".utf8)]
    #expect(chosen.sink().append(Feeding.trade("ONLY", "1"), 0) == .skip(reason: "other feed"))
  }

  @Test func aFullServerIsWaitedFor() async throws {
    let fixture = try await HotFixture()
    let sink = fixture.sink()
    sink.append(Feeding.trade(ago: 9_000, "1"), 0)
    _ = try await sink.flush(to: [ticks: 1])
    try await fixture.ask("CONFIG", "SET", "maxmemory", "1000000")
    // Of a series that is there, and of one that has to be made first.
    sink.append(Feeding.trade(ago: 8_000, "2"), 1)
    for record in [Feeding.trade(ago: 7_000, "3"), Feeding.trade("NEW", "4")] {
      sink.append(record, 2)
      let error = await #expect(throws: RedisError.self) { try await sink.flush(to: [ticks: 3]) }
      #expect(error?.code == "redis_oom" && error?.errorClass == .transient)
    }
    try await fixture.ask("CONFIG", "SET", "maxmemory", "0")
    #expect(try await sink.flush(to: [ticks: 3]).durable == [ticks: 3])
    #expect(try await fixture.samples("ts:AAPL:price").values.sorted() == [1, 2, 3])
    #expect(try await fixture.samples("ts:NEW:price").values.sorted() == [4])
    await fixture.server.stop()
  }

  @Test func anAbsentServerIsWaitedForAndAnEmptyOneFilled() async throws {
    let fixture = try await HotFixture()
    let sink = fixture.sink()
    sink.append(Feeding.trade(ago: 9_000, "1"), 0)
    _ = try await sink.flush(to: [ticks: 1])
    sink.append(Feeding.trade(ago: 8_000, "2"), 1)
    await fixture.server.halt(signal: SIGKILL)
    let error = await #expect(throws: RedisError.self) { try await sink.flush(to: [ticks: 2]) }
    #expect(error?.errorClass == .transient)
    // The new server is empty: series and scripts are made again.
    try await fixture.server.resume()
    #expect(try await sink.flush(to: [ticks: 2]).durable == [ticks: 2])
    #expect(try await fixture.samples("ts:AAPL:price").values.sorted() == [2])
    try await fixture.ask("SCRIPT", "FLUSH")
    try await fixture.ask("DEL", "ts:AAPL:price")
    sink.append(Feeding.trade(ago: 7_000, "3"), 2)
    _ = try await sink.flush(to: [ticks: 3])
    #expect(try await fixture.samples("ts:AAPL:price").values.sorted() == [3])
    #expect(try await fixture.hash("trade:AAPL")["price"] == "3")
    await fixture.server.stop()
  }

  @Test func aKeyOfAnotherKindIsForTheOperator() async throws {
    let fixture = try await HotFixture(isOwn: false)
    let symbol = "K" + TestServers.uniqueName()
    try await fixture.ask("SET", "ts:\(symbol):price", "mine")
    let sink = fixture.sink()
    sink.append(Feeding.trade(symbol, "1"), 0)
    let error = await #expect(throws: RedisError.self) { try await sink.flush(to: [ticks: 1]) }
    #expect(error?.errorClass == .configuration && error?.message.contains("ts:\(symbol):price") == true)
    #expect(sink.load.rows == 2)
  }

  /// Each element of a reply is read: what is too old for its series is counted, and the others are written.
  @Test func samplesOutsideTheRetentionAreCounted() async throws {
    let fixture = try await HotFixture(isOwn: false)
    let symbol = "R" + TestServers.uniqueName()
    var table = SeriesTable(fixture.policy)
    var reader = RecordReader(fixture.policy, limits: fixture.limits)
    var buffer = PartitionBuffer()
    for (offset, ago) in [Int64(1_000), 90_000_000, 2_000].enumerated() {
      let bytes = Feeding.trade(symbol, ago: ago, "\(offset + 1)")
      #expect(reader.append(tick: bytes.span.bytes, at: Int64(offset), to: &buffer) == .keep)
    }
    table = reader.table
    var digests: [[UInt8]] = []
    let writer = HotWriter(client: fixture.client, tail: 0)
    let outcome = try await writer.write([(ticks, buffer)], &table, digests: &digests)
    #expect(outcome.written == 4 && outcome.outsideRetention == 2 && outcome.refused.isEmpty)
    // Again: the equal ones are not written, the old ones are not even sent.
    let again = try await writer.write([(ticks, buffer)], &table, digests: &digests)
    #expect(again.written == 0 && again.equal == 4 && again.outsideRetention == 2)
    #expect(try await fixture.samples("ts:\(symbol):price").values.sorted() == [1, 3])
  }

  @Test func theTailIsBoundedAndDroppedPartitionsAreForgotten() async throws {
    var fixture = try await HotFixture()
    fixture.limits.tail = 100
    let sink = fixture.sink()
    for offset in 0..<1_000 { sink.append(Feeding.trade(ago: Int64(2_000 - offset), "\(offset + 1)"), Int64(offset)) }
    let other = HotFixture.partition(1)
    sink.append(Feeding.trade("GONE", "1"), 0, other)
    sink.drop([other])
    #expect(try await sink.flush(to: [ticks: 1_000]).durable == [ticks: 1_000])
    #expect(try await fixture.ask("EXISTS", "ts:GONE:price").integer == 0)
    #expect(try await fixture.samples("ts:AAPL:price").count == 1_000)
    // Redis shortens a stream by whole nodes of 100 entries.
    #expect((100...200).contains(try await fixture.length()))
    let last = try await fixture.ask("XREVRANGE", HotWriter.stream, "+", "-", "COUNT", "1")
    let fields = last.array?.first?.array?.last?.array?.compactMap(\.bytes) ?? []
    #expect(fields == [Array("data".utf8), Feeding.trade(ago: 1_001, "1000")])
    await fixture.server.stop()
  }
}

@Suite(.timeLimit(.minutes(15))) struct HotServerTests {
  @Test func aServerThatCannotBeAHotStoreIsRefused() async throws {
    let plain = try await PrivateRedis.start()
    let fixture = try await HotFixture()
    func failure(_ url: String) async throws -> Failure? {
      let client = RedisClient(RedisConfiguration(url: try RedisURL(url)))
      return await #expect(throws: Failure.self) { _ = try await HotServer(client: client).check() }
    }
    #expect(try await failure(plain.url)?.code == "redis_without_time_series")
    #expect(try await failure("redis://127.0.0.1:\(fixture.server.port)/1")?.code == "redis_database")
    try await fixture.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    #expect(try await failure(fixture.server.url)?.code == "redis_evicts")
    await plain.stop()
    await fixture.server.stop()
  }

  @Test func theMemoryThatIsNeededIsSaidAndRefusedWhenThereIsLess() async throws {
    let fixture = try await HotFixture()
    let command = try HotWriterCommand.parse(["--redis-url", fixture.server.url, "--expected-symbols", "50"])
    let need = command.need()
    let client = try need.open()
    let check = try #require(need.check)
    let text = try await check(client)
    #expect(text.contains("50 symbols and 5000 passages need about") && text.contains("no limit"))
    try await fixture.ask("CONFIG", "SET", "maxmemory", "20000000")
    let failure = await #expect(throws: Failure.self) { _ = try await check(client) }
    #expect(failure?.errorClass == .configuration && failure?.message.contains("--tick-retention") == true)
    // A running service starts, since the estimate may be wrong.
    #expect(try await need.prepare?(client).contains("it will be full") == true)
    await fixture.server.stop()
  }

  /// The estimate against what a real server says of its series.
  @Test func theEstimateIsCloseToWhatTheServerTakes() async throws {
    let fixture = try await HotFixture(isOwn: false)
    let name = TestServers.uniqueName()
    var random = TestRandom("memory")
    let sink = fixture.sink()
    var (ago, cents) = (Int64(80_000_000), 10_000)
    for offset in 0..<5_000 {
      ago -= Int64.random(in: 1...15_000, using: &random)
      cents += Int.random(in: -5...5, using: &random)
      let fraction = cents % 100
      let price = "\(cents / 100).\(fraction < 10 ? "0" : "")\(fraction)"
      sink.append(Feeding.trade(name, ago: ago, price), Int64(offset))
    }
    _ = try await sink.flush(to: [:])
    let about = try await fixture.ask("TS.INFO", "ts:\(name):price").array ?? []
    let place = try #require(about.firstIndex { $0.text == "memoryUsage" })
    let taken = Double(try #require(about[place + 1].integer))
    let expected = 5_000 * MemoryBudget.sampleBytes + MemoryBudget.seriesBytes
    #expect(taken < expected * 1.2 && taken > expected * 0.7, "\(taken) of \(expected)")
  }
}
