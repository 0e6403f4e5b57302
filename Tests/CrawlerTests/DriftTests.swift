import Core
import Foundation
import HTTP
import Logging
import Messages
import Pipeline
import Portals
import PortalSimulator
import PriceFiles
import ServiceKit
import ServiceState
import Synchronization
import Testing
import TestSupport
import Values

@testable import CrawlerService

/// A portal whose answers the test sets, pass by pass.
final class ScriptedEngine: PortalEngine {
  struct Script: Sendable {
    var pages: [Listing] = []
    var failure: (any ClassifiedError)?
  }
  let source: String
  let linksExpire: Bool
  private let script: Mutex<Script>
  private let passes = Mutex(0)
  /// Called with the number of pages given so far, before each page.
  let beforePage: @Sendable (Int) -> Void

  init(
    _ source: String, linksExpire: Bool = false, _ script: Script = Script(),
    beforePage: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    self.source = source
    self.linksExpire = linksExpire
    self.script = Mutex(script)
    self.beforePage = beforePage
  }

  var passCount: Int { passes.withLock { $0 } }
  func set(_ next: Script) { script.withLock { $0 = next } }

  func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    passes.withLock { $0 += 1 }
    let script = script.withLock { $0 }
    for (index, page) in script.pages.enumerated() {
      beforePage(index)
      guard try await take(page) else { return }
    }
    beforePage(script.pages.count)
    if let failure = script.failure { throw failure }
  }

  func link(to file: ListedFile) async throws -> String? { "http://portal.example/\(file.fileName)" }

  static func page(_ stores: ClosedRange<Int>, version: String = "1", expires: (Int) -> Int64? = { _ in nil }) throws
    -> Listing
  {
    var listing = Listing()
    for store in stores {
      let name = "PriceFull7290000000017-\(store)-202601020300.gz"
      listing.files.append(ListedFile(
        chain: "c", fileName: name, name: try PriceFileName(name), version: version,
        linkExpires: expires(store).flatMap { Timestamp(microseconds: $0) }))
    }
    return listing
  }
}

@Suite struct DriftTests {
  private func pass(
    _ engine: ScriptedEngine, _ store: SeenStore, _ announcer: RecordingAnnouncer,
    schedule: CrawlSchedule = CrawlSchedule(), at time: Date = Date(timeIntervalSince1970: 1_800_000_000)
  ) async throws {
    var settings = onceSettings()
    settings.onceAttempts = 1
    let crawler = Crawler(
      engines: [engine], store: store, announcer: announcer, settings: settings,
      zone: try ZoneTable(identifier: PriceFileName.zoneIdentifier),
      context: ServiceContext(name: "crawler", logger: quietLogger()), schedules: [engine.source: schedule],
      alerts: AlertLog(announcer: announcer, logger: quietLogger()) { time }, now: { time })
    do { try await crawler.run() } catch let failure as Failure where failure.code == "crawl_incomplete" {}
  }

  @Test func anEmptyListingAfterAFullOneRaisesAnAlert() async throws {
    for store in [SeenStore(), try await fileStore()] {
      let (announcer, engine) = (RecordingAnnouncer(), ScriptedEngine("c"))
      try await pass(engine, store, announcer)
      #expect(announcer.alerts.isEmpty, "a portal that never had anything is only empty")
      engine.set(.init(pages: [try ScriptedEngine.page(1...3)]))
      try await pass(engine, store, announcer)
      #expect(announcer.alerts.isEmpty)
      engine.set(.init())
      try await pass(engine, store, announcer)
      let alert = try #require(announcer.alerts.first)
      #expect(alert.kind == .listingEmpty && alert.severity == .critical && alert.subject == "c")
      #expect(alert.value?.description == "0" && alert.expected?.description == "3")
      #expect(alert.alertID == "listing_empty/c/2027-01-15")
      // Another process raises the same alert on that day; the next day has another one.
      try await pass(engine, store, announcer)
      try await pass(engine, store, announcer, at: Date(timeIntervalSince1970: 1_800_086_400))
      #expect(Set(announcer.alerts.map(\.alertID)).count == 2)
      await store.close()
    }
  }

  private func fileStore() async throws -> SeenStore {
    let folder = NSTemporaryDirectory() + "souk-drift-\(UUID().uuidString)"
    return try SeenStore.file(folder + "/seen.log", retention: .seconds(86_400))
  }

  @Test func outsideItsHoursAPortalMayBeEmpty() async throws {
    let (announcer, engine, store) = (RecordingAnnouncer(), ScriptedEngine("c"), SeenStore())
    engine.set(.init(pages: [try ScriptedEngine.page(1...3)]))
    try await pass(engine, store, announcer)
    engine.set(.init())
    // 1,800,000,000 is 10:00 in Israel.
    let night = CrawlSchedule(activeHours: try #require(ActiveHours("11:00-24:00")))
    try await pass(engine, store, announcer, schedule: night)
    #expect(announcer.alerts.isEmpty)
    let day = CrawlSchedule(activeHours: try #require(ActiveHours("08:00-24:00")))
    try await pass(engine, store, announcer, schedule: day)
    #expect(announcer.alerts.map(\.kind) == [.listingEmpty])
  }

  @Test(arguments: [
    (PortalError.Kind.loginPage, Alert.Kind.listingLoginPage), (.htmlInsteadOfJSON, .listingLoginPage),
    (.loginRefused, .listingLoginPage), (.unknownShape, .listingUnreadable), (.unknownPage, .listingUnreadable),
  ])
  func anUnusableListingRaisesAnAlert(error: PortalError.Kind, kind: Alert.Kind) async throws {
    let (announcer, engine) = (RecordingAnnouncer(), ScriptedEngine("c"))
    engine.set(.init(pages: [try ScriptedEngine.page(1...1)], failure: PortalError(error, "as told")))
    try await pass(engine, SeenStore(), announcer)
    #expect(announcer.alerts.map(\.kind) == [kind])
    #expect(announcer.files.count == 1, "what came before stands")
  }

  /// An alert about an error that waiting does not fix says what to do.
  @Test(arguments: [
    (HTTPError.Kind.certificateRefused, "--fetch-ca-file"), (.status(403), "--fetch-proxy"), (.status(401), "password"),
  ])
  func aRefusalRaisesAnAlertWithAdvice(error: HTTPError.Kind, advice: String) async throws {
    let (announcer, engine) = (RecordingAnnouncer(), ScriptedEngine("c"))
    engine.set(.init(failure: HTTPError(error, "as told")))
    try await pass(engine, SeenStore(), announcer)
    let alert = try #require(announcer.alerts.first)
    #expect(announcer.alerts.count == 1 && alert.kind == .listingRefused && alert.severity == .critical)
    #expect(alert.message.contains("as told") && alert.message.contains(advice))
  }

  @Test func everyUnknownColumnRaisesOneAlert() async throws {
    let (announcer, engine) = (RecordingAnnouncer(), ScriptedEngine("c"))
    var page = try ScriptedEngine.page(1...1)
    page.unknownColumns = ["Colour", "-FileNm"]
    engine.set(.init(pages: [page, page]))
    try await pass(engine, SeenStore(), announcer)
    #expect(Set(announcer.alerts.map(\.subject)) == ["c/Colour", "c/-FileNm"])
    #expect(announcer.alerts.allSatisfy { $0.kind == .listingUnknownColumn })
  }

  /// Links of some portals last half an hour: announcements do not wait for the end of the listing.
  @Test func pagesWithExpiringLinksAreAnnouncedOneByOneEarliestExpiryFirst() async throws {
    let announcer = RecordingAnnouncer()
    let counts = Mutex<[Int]>([])
    let engine = ScriptedEngine(
      "c", linksExpire: true,
      .init(pages: [
        try ScriptedEngine.page(1...3) { 1_000 - Int64($0) }, try ScriptedEngine.page(4...5) { Int64($0) },
      ]),
      beforePage: { _ in counts.withLock { $0.append(announcer.files.count) } })
    let store = SeenStore()
    try await pass(engine, store, announcer)
    #expect(announcer.files.compactMap(\.storeID) == ["3", "2", "1", "4", "5"])
    #expect(counts.withLock { $0 } == [0, 3, 5])
    try await pass(engine, store, announcer)
    #expect(announcer.files.count == 5)
  }
}

@Suite struct ExpiredTests {
  private func file(_ store: Int, fingerprint: String?) -> FileDiscovered {
    FileDiscovered(
      chain: "c", url: "http://portal.example/x", timestamp: .epoch,
      fileName: "PriceFull7290000000017-\(store)-202601020300.gz", fileType: .priceFull, storeID: "\(store)",
      fingerprint: fingerprint)
  }

  @Test func anExpiredLinkIsListedAgainSoon() async throws {
    let (announcer, store) = (RecordingAnnouncer(), SeenStore())
    let engine = ScriptedEngine("c", .init(pages: [try ScriptedEngine.page(1...2)]))
    var settings = CrawlSettings()
    // The regular pass never comes within the test.
    settings.interval = .seconds(86_400)
    let relisting = RelistRequests(rest: .milliseconds(1))
    let drain = Interruption()
    let context = ServiceContext(name: "crawler", logger: quietLogger(), drain: drain)
    let alerts = AlertLog(announcer: announcer, logger: quietLogger())
    let crawler = Crawler(
      engines: [engine], store: store, announcer: announcer, settings: settings,
      zone: try ZoneTable(identifier: PriceFileName.zoneIdentifier), context: context, relisting: relisting,
      alerts: alerts)
    let run = Task { try await crawler.run() }
    try await eventually("both are announced") { announcer.files.count == 2 }

    let handler = ExpiredHandler(
      store: store, relisting: relisting, budget: RelistBudget(limit: 2), alerts: alerts, logger: quietLogger())
    let first = announcer.files[0]
    #expect(try await handler.takeBack(first) == .keep)
    try await eventually("it is announced again") { announcer.files.count == 3 }
    #expect(announcer.files[2].fileName == first.fileName)
    #expect(try await handler.takeBack(first) == .keep)
    try await eventually("and once more") { announcer.files.count == 4 }
    #expect(try await handler.takeBack(first) == .skip(reason: "relist_limit"))
    #expect(announcer.alerts.map(\.kind) == [.linkExpires])
    #expect(engine.passCount == 3)
    drain.raise()
    try await run.value
  }

  @Test func anotherPublicationIsNotForgotten() async throws {
    let name = file(1, fingerprint: nil).fileName
    let (old, new) = (Fingerprint(fileName: "f", version: "1"), Fingerprint(fileName: "f", version: "2"))
    for store in [SeenStore()] {
      try await store.mark([SeenEntry(chain: "c", fileName: name, fingerprint: new)])
      try await store.forget(chain: "c", fileName: name, fingerprint: old)
      #expect(try await store.areSeen([SeenEntry(chain: "c", fileName: name, fingerprint: new)]) == [true])
      try await store.forget(chain: "c", fileName: name, fingerprint: new)
      #expect(try await store.areSeen([SeenEntry(chain: "c", fileName: name, fingerprint: new)]) == [false])
    }
  }

  @Test func theBudgetIsPerFileAndDay() {
    let budget = RelistBudget(limit: 2, window: 100, maxFiles: 2)
    #expect(budget.grant("a", now: 0) && budget.grant("a", now: 50))
    #expect(!budget.grant("a", now: 99))
    #expect(budget.grant("b", now: 60))
    #expect(budget.grant("a", now: 100), "a new day")
    #expect(budget.grant("c", now: 120), "the memory is bounded: the oldest goes")
    #expect(!budget.grant("a", now: 130) || !budget.grant("a", now: 131))
  }
}

@Suite struct ShardTests {
  @Test func everyChainBelongsToOneShardAndNoneIsIdle() throws {
    let chains = ChainCatalogue.embedded.chains.map(\.slug)
    for count in [1, 2, 3, 5] {
      let shards = try (0..<count).map { try #require(Shard(argument: "\($0)/\(count)")) }
      for chain in chains { #expect(shards.count { $0.owns(chain) } == 1, "\(chain)") }
      for shard in shards { #expect(chains.contains { shard.owns($0) }, "\(shard) of \(chains.count) chains") }
    }
    for text in ["", "1", "3/3", "-1/3", "0/0", "a/b", "1/2/3"] { #expect(Shard(argument: text) == nil) }
  }

  /// FNV-1a's published value for "foobar", folded.
  @Test func theHashIsStable() {
    let foobar: UInt64 = 0x8594_4171_f739_67e8
    #expect(Shard.hash("foobar") == foobar ^ (foobar >> 32))
  }
}
