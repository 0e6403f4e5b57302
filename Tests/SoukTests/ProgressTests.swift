import Core
import LocalServers
import Testing

@testable import SoukService

@Suite struct CounterSumTests {
  @Test func goesOnWhenTheProcessStartsAgain() {
    var sum = CounterSum()
    for value in [0, 5, 5, 9] { sum.observe(value) }
    #expect(sum.total == 9)
    #expect(sum.resets == 0)
    for value in [2, 4] { sum.observe(value) }
    #expect(sum.total == 13)
    #expect(sum.resets == 1)
  }
}

@Suite struct FleetReadingTests {
  private func reading(crawled: Bool = true, lags: [Int?] = [0, 0, 0], inHand: Int = 0) -> FleetReading {
    var stages = [StageReading(name: "crawler")]
    for (name, lag) in zip(["downloader", "parser", "db-writer"], lags) {
      stages.append(StageReading(name: name, consumed: 10, kept: 10 - inHand, inHand: inHand, lag: lag))
    }
    return FleetReading(sourcePassed: crawled, stages: stages)
  }

  @Test func caughtUpNeedsThePassAndNoLagAnywhere() {
    #expect(reading().isCaughtUp)
    #expect(!reading(crawled: false).isCaughtUp)
    #expect(!reading(lags: [0, 0, 1]).isCaughtUp)
    #expect(!reading(lags: [1, 0, 0]).isCaughtUp)
    #expect(!reading(lags: [0, nil, 0]).isCaughtUp, "an unknown lag is not zero")
    var served = reading()
    served.stages.append(StageReading(name: "gateway"))
    #expect(served.isCaughtUp, "one without a group has no lag")
  }

  @Test func theLastKnownLagIsShownAsOldAndProvesNothing() {
    let start = ContinuousClock.now
    var lags = LastLags()
    let never = lags.observe("parser", nil, now: start)
    #expect(never == nil, "never told")
    let fresh = lags.observe("parser", 0, now: start)
    #expect(fresh?.records == 0 && fresh?.age == nil)
    let old = lags.observe("parser", nil, now: start + .seconds(12))
    #expect(old?.records == 0 && old?.age == .seconds(12))
    var reading = reading()
    (reading.stages[2].lag, reading.stages[2].lagAge) = (old?.records, old?.age)
    #expect(!reading.isCaughtUp, "what was zero then may not be zero now")
    #expect(reading.lines[4].hasSuffix("0 (12 s old)"))
    #expect(reading.summary.contains("parser in 10 out 10 lag 0 (12 s old)"))
    let again = lags.observe("parser", 3, now: start + .seconds(13))
    #expect(again?.records == 3 && again?.age == nil)
  }

  @Test func everyRecordMustBeAccountedFor() {
    #expect(reading().discrepancies.isEmpty)
    var reading = reading()
    reading.stages[2].inHand = 3
    #expect(reading.discrepancies == ["parser: of 10 records in, 3 are unaccounted for"])
    reading.stages[0].inHand = 1
    #expect(reading.discrepancies.count == 1, "the crawler lists files, it consumes none")
  }

  @Test func theTableHasALinePerStage() {
    let lines = reading(lags: [0, nil, 1_234]).lines
    #expect(lines.count == 6)
    #expect(lines[3].hasPrefix("downloader"))
    #expect(lines[4].hasSuffix("-"))
    #expect(lines[5].hasSuffix("1,234"))
  }
}

@Suite struct ScraperTests {
  @Test func replicasAreSummedAndLabelsFolded() {
    var scraper = Scraper()
    scraper.observe("parser-1", """
      souk_records_consumed_total{topic="gogobe.files.downloaded"} 7
      souk_records_kept_total 4
      souk_records_skipped_total{reason="a"} 1
      souk_records_skipped_total{reason="b"} 1
      souk_records_dead_lettered_total{code="truncated"} 1
      souk_records_produced_total{topic="gogobe.products.ingest"} 100
      """)
    scraper.observe("parser-2", "souk_records_consumed_total{topic=\"t\"} 3")
    let stage = scraper.stage("parser", processes: ["parser-1", "parser-2", "parser-3"])
    #expect(stage == StageReading(
      name: "parser", consumed: 10, kept: 4, filtered: 2, deadLettered: 1, produced: 100, inHand: 3))
  }

  @Test func theCrawlerCountsFilesAndPasses() {
    var scraper = Scraper()
    scraper.observe("crawler", """
      souk_crawler_files_listed_total{source="a"} 7
      souk_crawler_files_listed_total{source="b"} 2
      souk_crawler_files_emitted_total{source="a",file_type="price"} 6
      souk_crawler_files_skipped_total{source="b",reason="seen"} 2
      souk_crawler_last_success_timestamp_seconds{source="a"} 1.7e9
      """)
    let stage = scraper.stage("crawler", processes: ["crawler"])
    #expect(stage.consumed == 9 && stage.kept == 6 && stage.filtered == 2)
    #expect(scraper.passedSources(["crawler"]) == 1)
    #expect(scraper.passedSources(["unknown"]) == 0)
  }

  @Test func theProducerOfBarsCountsBarsAndPasses() {
    var scraper = Scraper()
    scraper.observe("egx-producer", """
      souk_egx_bars_published_total{kind="new"} 7
      souk_egx_bars_published_total{kind="changed"} 2
      souk_egx_bars_unchanged_total 3
      souk_egx_bars_unusable_total 1
      souk_egx_last_poll_timestamp_seconds 0
      """)
    let stage = scraper.stage("egx-producer", processes: ["egx-producer"])
    #expect(stage.consumed == 13 && stage.kept == 9 && stage.filtered == 4)
    #expect(scraper.passedSources(["egx-producer"]) == 0, "a poll that has not ended is none")
    scraper.observe("egx-producer", "souk_egx_last_poll_timestamp_seconds 1.7e9")
    #expect(scraper.passedSources(["egx-producer"]) == 1)
  }

  @Test func aFeedHasPassedOnceItSaysNothingNew() {
    var scraper = Scraper()
    let events = #"souk_feed_events_total{kind="trade",source="stream"} 7"#
    // While it is not connected, or a gap is open, it may only not have been heard.
    for (newest, connections, gaps, passed) in [
      ("0", 1, 0, 0), ("1.7e9", 1, 0, 0), ("1.7e9", 0, 0, 0), ("1.7e9", 1, 1, 0), ("1.8e9", 1, 0, 0),
      ("1.8e9", 1, 0, 1),
    ] {
      scraper.observe("market-streamer", """
        \(events)
        souk_feed_newest_timestamp_seconds \(newest)
        souk_feed_connections{connection="0"} \(connections)
        souk_feed_gaps_open{connection="0"} \(gaps)
        """)
      #expect(scraper.passedSources(["market-streamer"]) == passed, "\(newest) \(connections) \(gaps)")
    }
    let stage = scraper.stage("market-streamer", processes: ["market-streamer"])
    #expect(stage.consumed == 7 && stage.kept == 7)
  }

  @Test func whatWasHandedBackIsAccountedFor() {
    var scraper = Scraper()
    scraper.observe("parser", "souk_records_consumed_total 7\nsouk_records_kept_total 4\nsouk_records_returned_total 3")
    #expect(scraper.stage("parser", processes: ["parser"]).inHand == 0)
  }

  @Test func aRestartedProcessGoesOnCounting() {
    var scraper = Scraper()
    scraper.observe("parser", "souk_records_consumed_total 7\nsouk_records_kept_total 7")
    scraper.observe("parser", "souk_records_consumed_total 2\nsouk_records_kept_total 1")
    let stage = scraper.stage("parser", processes: ["parser"])
    #expect(stage.consumed == 9 && stage.kept == 8)
    #expect(stage.inHand == 1, "what the process before held is consumed again")
  }
}

@Suite struct RestartPolicyTests {
  @Test func aRequestedEndIsFinal() {
    for status in [ExitStatus.signalled(9), .exited(78), .exited(0)] {
      var policy = RestartPolicy()
      let decision = policy.ended(status, after: .zero, stopping: true)
      #expect(decision == .finished)
    }
  }

  @Test func nobodyMayEndByItself() {
    for status in [ExitStatus.signalled(9), .exited(1), .exited(75), .exited(0)] {
      var policy = RestartPolicy()
      let decision = policy.ended(status, after: .zero, stopping: false)
      #expect(decision != .finished && decision != .stopFleet)
    }
  }

  @Test(arguments: [64, 78] as [Int32]) func aWrongSettingStopsTheFleet(code: Int32) {
    var policy = RestartPolicy()
    let decision = policy.ended(.exited(code), after: .seconds(99), stopping: false)
    #expect(decision == .stopFleet)
  }

  @Test func delaysGrowUntilItRanSteadily() {
    let backoff = Backoff(base: .seconds(1), cap: .seconds(8))
    var policy = RestartPolicy(backoff: backoff)
    var ceilings: [Duration] = []
    var mirror = backoff
    for _ in 0..<6 {
      ceilings.append(mirror.ceiling)
      _ = mirror.next()
      guard case .restart(let delay) = policy.ended(.signalled(9), after: .zero, stopping: false) else {
        Issue.record("not restarted")
        return
      }
      #expect(delay <= ceilings.last!)
    }
    #expect(ceilings.last == .seconds(8))
    guard case .restart(let delay) = policy.ended(.exited(1), after: .seconds(30), stopping: false) else {
      Issue.record("not restarted")
      return
    }
    #expect(delay <= .seconds(1))
  }
}
