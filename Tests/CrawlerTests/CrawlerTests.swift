import Core
@testable import CrawlerService
import LocalServers
import Messages
import PortalSimulator
import PriceFiles
import ServiceState
import Testing
import TestSupport
import Values

/// Whole passes: portal, state and announcements.
@Suite struct CrawlerTests {
  @Test func announcesEverythingOnceInOrderOfTime() async throws {
    try await PortalSimulator.serving(smallCatalogue()) { portal in
      let announcer = RecordingAnnouncer()
      let store = SeenStore()
      let engines = try portal.catalogue.chains.map { try engine(portal, $0) }
      try await crawler(engines, store, announcer).run()

      let expected = portal.catalogue.files()
      let byChain = Dictionary(grouping: announcer.files, by: \.chain)
      for chain in portal.catalogue.chains {
        let files = try #require(byChain[chain.slug])
        let published = portal.catalogue.files(of: chain)
        let truth = Dictionary(uniqueKeysWithValues: published.map { ($0.name, $0) })
        #expect(files.count == published.count)
        for file in files {
          let origin = try #require(truth[file.fileName])
          #expect(file.url == "\(portal.baseURL(of: chain))/Download/\(file.fileName)")
          #expect(file.fileTime.map { $0.microseconds / 1_000_000 } == Int64(origin.time.secondsSince1970))
          #expect(file.storeID == (origin.store < 0 ? "0" : String(origin.storeID.drop { $0 == "0" })))
        }
        let times = files.map { $0.fileTime?.microseconds ?? 0 }
        #expect(times == times.sorted())
      }
      #expect(announcer.files.count == expected.count)
      #expect(portal.requests(.download) == 0)

      try await crawler(engines, store, announcer).run()
      #expect(announcer.files.count == expected.count)
    }
  }

  @Test func announcesWhatIsNewAndWhatWasPublishedAgain() async throws {
    var options = PortalOptions()
    options.firstRounds = 0
    try await PortalSimulator.serving(smallCatalogue(chains: 3), options: options) { portal in
      let announcer = RecordingAnnouncer()
      let store = SeenStore()
      let engines = try portal.catalogue.chains.map { try engine(portal, $0) }
      try await crawler(engines, store, announcer).run()
      let first = announcer.files.count
      #expect(first == portal.visibleFiles.count)

      portal.reveal(rounds: 1)
      try await crawler(engines, store, announcer).run()
      let fresh = announcer.files.dropFirst(first)
      #expect(Set(fresh.map(\.fileName)) == Set(portal.visibleFiles.filter { $0.round == 1 }.map(\.name)))

      let again = portal.catalogue.chains.map { portal.catalogue.files(of: $0)[1] }
      for file in again { portal.republish(file) }
      let before = announcer.files.count
      try await crawler(engines, store, announcer).run()
      let repeated = announcer.files.dropFirst(before)
      #expect(Set(repeated.map(\.fileName)) == Set(again.map(\.name)))
      for file in repeated {
        let earlier = try #require(announcer.files.first { $0.chain == file.chain && $0.fileName == file.fileName })
        #expect(earlier.fingerprint != file.fingerprint)
      }
    }
  }

  @Test func aCrashBetweenAcknowledgementAndMarkRepeatsAndLosesNothing() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let announcer = RecordingAnnouncer()
      let engine = try engine(portal, portal.catalogue.chains[0])
      let count = portal.visibleFiles.count
      try await crawler([engine], SeenStore(ForgetfulState(failures: 1)), announcer).run()
      #expect(announcer.files.count == 2 * count)
      #expect(Set(announcer.names) == Set(portal.visibleFiles.map(\.name)))
    }
  }

  @Test func anUnacknowledgedAnnouncementIsNotMarked() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let announcer = RecordingAnnouncer()
      announcer.refuse(with: Failure(.transient, code: "broker_down", "no broker answers"), times: 2)
      try await crawler([engine(portal, portal.catalogue.chains[0])], SeenStore(), announcer).run()
      #expect(announcer.names.sorted() == portal.visibleFiles.map(\.name).sorted())
    }
  }

  @Test func aWrongTopicEndsTheRun() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 2)) { portal in
      let announcer = RecordingAnnouncer()
      announcer.refuse(with: Failure(.configuration, code: "no_topic", "the topic is missing"), times: 100)
      let engines = try portal.catalogue.chains.map { try engine(portal, $0) }
      let error = await #expect(throws: Failure.self) {
        try await crawler(engines, SeenStore(), announcer).run()
      }
      #expect(error?.code == "no_topic")
    }
  }

  @Test func aChainThatFailsDelaysNoOther() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 3)) { portal in
      let sick = portal.catalogue.chains[1]
      portal.add(Fault(.serverError, on: .listing, prefix: sick.prefix))
      var settings = CrawlSettings()
      settings.interval = .milliseconds(5)
      settings.backoff = Backoff(base: .milliseconds(5), cap: .milliseconds(10))
      let announcer = RecordingAnnouncer()
      let engines = try portal.catalogue.chains.map { try engine(portal, $0) }
      let drain = Interruption()
      let crawler = try crawler(engines, SeenStore(), announcer, settings, drain: drain)
      let run = Task { try await crawler.run() }
      let healthy = portal.visibleFiles.filter { $0.chain != sick }.map(\.name).sorted()
      try await eventually("the healthy chains are announced") { announcer.names.sorted() == healthy }
      portal.clearFaults()
      let all = portal.visibleFiles.map(\.name).sorted()
      try await eventually("the failing one recovers") { announcer.names.sorted() == all }
      drain.raise()
      try await run.value
    }
  }

  @Test func onceReportsTheSourcesItCouldNotRead() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 2)) { portal in
      let sick = portal.catalogue.chains[0]
      portal.add(Fault(.loginPage, on: .listing, prefix: sick.prefix))
      let announcer = RecordingAnnouncer()
      let engines = try portal.catalogue.chains.map { try engine(portal, $0) }
      let error = await #expect(throws: Failure.self) {
        try await crawler(engines, SeenStore(), announcer).run()
      }
      #expect(error?.code == "crawl_incomplete")
      #expect(error?.message.contains(sick.slug) == true)
      #expect(Set(announcer.files.map(\.chain)) == [portal.catalogue.chains[1].slug])
    }
  }

  @Test func whatWasListedBeforeAFailureIsAnnounced() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let announcer = RecordingAnnouncer()
      var settings = onceSettings()
      settings.types = [.price, .priceFull]
      settings.onceAttempts = 1
      let engine = try engine(portal, portal.catalogue.chains[0], attempts: 1)
      // The first listing (price) answers, the second does not.
      var listed = 0
      await #expect(throws: (any Error).self) {
        try await engine.list(settings.types) { listing in
          listed += listing.files.count
          portal.add(Fault(.serverError, on: .listing))
          return true
        }
      }
      #expect(listed > 0)

      portal.clearFaults()
      let once = FailsAfterFirstPage(inner: engine)
      await #expect(throws: Failure.self) { try await crawler([once], SeenStore(), announcer, settings).run() }
      #expect(!announcer.files.isEmpty)
      #expect(announcer.files.allSatisfy { $0.fileType == .price })
    }
  }

  @Test func leavesOutTypesAndOldFiles() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      var settings = onceSettings()
      settings.types = [.price]
      let chain = portal.catalogue.chains[0]
      let second = portal.catalogue.files(of: chain).filter { $0.round == 2 }
      let start = try #require(second.map(\.time.secondsSince1970).min())
      settings.since = Timestamp(microseconds: Int64(start) * 1_000_000)
      let announcer = RecordingAnnouncer()
      try await crawler([engine(portal, chain)], SeenStore(), announcer, settings).run()
      #expect(Set(announcer.names) == Set(second.map(\.name)))
    }
  }

  @Test func theNextPassTakesTheFilesBeyondTheLimit() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      var settings = onceSettings()
      settings.maxFiles = 4
      settings.chunk = 3
      let (announcer, store) = (RecordingAnnouncer(), SeenStore())
      let engine = try engine(portal, portal.catalogue.chains[0])
      for pass in 1...3 {
        try await crawler([engine], store, announcer, settings).run()
        #expect(announcer.files.count == min(pass * 4, portal.visibleFiles.count))
      }
      #expect(Set(announcer.names).count == announcer.names.count)
    }
  }

  @Test func aDrainEndsAPassThatHangsInAListing() async throws {
    var options = PortalOptions()
    options.dripBytes = 1
    options.dripPause = .seconds(1)
    try await PortalSimulator.serving(smallCatalogue(chains: 1), options: options) { portal in
      portal.add(Fault(.slow, on: .listing))
      let drain = Interruption()
      let announcer = RecordingAnnouncer()
      let engine = try engine(portal, portal.catalogue.chains[0])
      let run = Task { try await crawler([engine], SeenStore(), announcer, CrawlSettings(), drain: drain).run() }
      try await eventually("the listing is asked for") { portal.requests(.listing) == 1 }
      drain.raise()
      try await run.value
      #expect(announcer.files.isEmpty)
    }
  }
}

/// Lists its first page and then fails.
struct FailsAfterFirstPage: PortalEngine {
  let inner: BinaEngine
  var source: String { inner.source }

  func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    try await inner.list(types) { listing in
      _ = try await take(listing)
      return false
    }
    throw Failure(.transient, code: "broke_off", "after the first page")
  }

  func link(to file: ListedFile) async throws -> String? { try await inner.link(to: file) }
}
