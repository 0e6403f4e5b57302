import Core
import Logging
@testable import ServiceKit
import Synchronization
import Testing
import TestSupport

/// How the kit opens, waits for, uses and closes the needs of a service, and `--check`.
@Suite(.timeLimit(.minutes(10))) struct NeedsTests {
  /// What happened, in order.
  final class Journal: Sendable {
    private let state = Mutex<[String]>([])
    let isAway = Atomic(true)
    func note(_ event: String) { state.withLock { $0.append(event) } }
    var events: [String] { state.withLock { $0 } }
  }

  private let journal = Journal()
  private let context = ServiceContext(name: "test", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  private static let outage = Failure(.transient, code: "away", "nothing answers at 10.0.0.7")
  private static let wrong = Failure(.configuration, code: "wrong_password", "the password is wrong")

  /// A need that records the calls.
  private func need(
    _ name: String, opening: Failure? = nil, prepare: (@Sendable (String) async throws -> String)? = nil
  ) -> Need<String> {
    Need(
      name, condition: name,
      open: { [journal] in
        journal.note("open \(name)")
        if let opening { throw opening }
        return name
      },
      check: { [journal] in
        journal.note("check \($0)")
        return "found \($0)"
      },
      prepare: prepare, close: { [journal] in journal.note("close \($0)") })
  }

  /// A need that is unavailable while the journal says so.
  private var store: Need<String> {
    need("store", prepare: { [journal] _ in
      journal.note("attempt")
      if journal.isAway.load(ordering: .relaxed) { throw Self.outage }
      return ""
    })
  }

  private var attempts: Int { journal.events.count { $0 == "attempt" } }

  private func run(_ declare: @Sendable (Needs) -> Work) async throws {
    let needs = Needs(context)
    needs.backoff = Backoff(base: .milliseconds(1), cap: .milliseconds(2))
    let work = declare(needs)
    try await needs.run(work)
  }

  private var noting: Work { Work { [journal] in journal.note("work") } }

  @Test func opensInOrderAndClosesInReverse() async throws {
    try await run { needs in
      for name in ["a", "b", "c"] { needs.add(need(name)) }
      return noting
    }
    #expect(journal.events.prefix(3) == ["open a", "open b", "open c"])
    #expect(journal.events.suffix(4) == ["work", "close c", "close b", "close a"])
  }

  @Test func aFailureOfTheWorkClosesEverythingToo() async {
    await #expect(throws: Failure.self) {
      try await run { needs in
        for name in ["a", "b"] { needs.add(need(name)) }
        return Work { throw Self.wrong }
      }
    }
    #expect(journal.events.suffix(2) == ["close b", "close a"])
  }

  @Test func whatCannotBeOpenedStopsBeforeTheRestAndClosesWhatIsOpen() async {
    await #expect(throws: Failure.self) {
      try await run { needs in
        needs.add(need("a"))
        needs.add(need("b", opening: Self.wrong))
        needs.add(need("c"))
        return noting
      }
    }
    #expect(journal.events == ["open a", "open b", "close a"])
  }

  @Test func workIsGivenWhatWasOpened() async throws {
    try await run { needs in
      let first = needs.add(need("a"))
      let second = needs.add(Need("b", open: { "\(try first.value)b" }))
      return Work { [journal] in journal.note(try second.value) }
    }
    #expect(journal.events.contains("ab"))
  }

  /// What is there before work has begun makes no service ready: work says what else it needs when it is made.
  @Test func conditionsOfWorkAreKnownBeforeItBegins() async throws {
    let needs = Needs(context)
    let opened = needs.add(need("a"))
    needs.beside("catalogue") { [context] in context.health.readiness("catalogue").set(ready: true) }
    let work = Work.server(
      host: "127.0.0.1", port: 0, settings: ("--api-host", "--api-port"), in: context
    ) { [journal, context] in
      // All that the service needs is there, and the port is not open yet.
      let isThere = try opened.value == "a" && context.health.readiness("a").current.ready
      journal.note(isThere && !context.health.isReady ? "not ready" : "ready too early")
      return ServerRoutes()
    }
    let readiness = context.health.readinessReport
    #expect(readiness.entries.map(\.name) == ["a", "catalogue", "server"] && !readiness.entries.contains(where: \.ok))
    let running = Task { try await needs.run(work) }
    try await eventually("ready") { context.health.isReady }
    #expect(journal.events.contains("not ready"))
    context.drain.raise()
    try await running.value
  }

  /// `/readyz` says what is missing, by name and code, and not where it is.
  @Test func anOutageIsWaitedOutUnderItsName() async throws {
    let running = Task {
      try await run { needs in
        needs.add(self.store)
        needs.add(need("other"))
        return noting
      }
    }
    let (store, other) = (context.health.readiness("store"), context.health.readiness("other"))
    try await eventually("three attempts, and the other beside it") { attempts >= 3 && other.current.ready }
    #expect(store.current == (false, "away"))
    #expect(!journal.events.contains("work"))
    journal.isAway.store(false, ordering: .relaxed)
    try await running.value
    #expect(store.current.ready)
    #expect(journal.events.suffix(3) == ["work", "close other", "close store"])
  }

  @Test func aDrainEndsTheWaitingWithoutWork() async throws {
    let running = Task {
      try await run { needs in
        needs.add(store)
        return noting
      }
    }
    try await eventually("it waits") { attempts >= 2 }
    context.drain.raise()
    try await running.value
    #expect(!journal.events.contains("work"))
    #expect(journal.events.last == "close store")
  }

  /// Also while other servers are unreachable: only a changed setting helps.
  @Test func aConfigurationErrorStopsAlthoughSomethingElseIsAway() async {
    await #expect {
      try await run { needs in
        needs.add(store)
        needs.add(need("wrong", prepare: { _ in throw Self.wrong }))
        return noting
      }
    } throws: { ($0 as? Failure)?.code == "wrong_password" }
    #expect(!journal.events.contains("work"))
    #expect(journal.events.suffix(2) == ["close wrong", "close store"])
  }

  @Test func aNeedMayWaitInItsOwnWay() async throws {
    try await run { needs in
      needs.add(Need("table", condition: "table", open: {}, wait: { [journal] _, wait in
        wait.tell(false, "reading topic")
        journal.note("ready: \(context.health.readiness("table").current)")
        wait.tell(true, "7 rows")
        return true
      }))
      return noting
    }
    #expect(journal.events.first == "ready: (ready: false, reason: \"reading topic\")")
    #expect(context.health.readiness("table").current == (true, "7 rows"))
    #expect(journal.events.last == "work")
  }

  @Test func nothingIsWorkedOnWhenADrainCameWhileWaiting() async throws {
    try await run { needs in
      needs.add(Need("table", condition: "table", open: {}, wait: { _, _ in false }))
      return noting
    }
    #expect(journal.events.isEmpty)
  }

  // MARK: - Beside the work

  @Test func aCompanionThatFailsDrainsTheWorkAndFailsTheService() async {
    await #expect {
      try await run { needs in
        let drain = needs.drain
        needs.beside { throw Failure(.fatal, code: "table_lost", "the table cannot be followed") }
        return Work { [journal] in
          await drain.wait()
          journal.note("settled")
        }
      }
    } throws: { ($0 as? Failure)?.code == "table_lost" }
    #expect(journal.events == ["settled"])
  }

  @Test func aCompanionEndsWithTheWork() async throws {
    try await run { needs in
      needs.beside { [journal] in
        await Interruption().wait()
        journal.note("cancelled: \(Task.isCancelled)")
      }
      return noting
    }
    #expect(journal.events == ["work", "cancelled: true"])
  }

  @Test func oneOfTwoWorksThatFailsDrainsTheOther() async {
    let drain = context.drain
    await #expect(throws: Failure.self) {
      try await run { _ in
        Work.together(Work { await drain.wait() }, Work { throw Self.wrong }, draining: drain)
      }
    }
    #expect(drain.isRaised)
  }

  // MARK: - --check

  @Test func checkProbesTheSameNeedsAndClosesThem() async {
    let (needs, report) = (Needs(context), CheckReport())
    needs.add(need("a"))
    needs.add(Need("unseen", open: { [journal] in journal.note("open unseen") }))
    needs.add(store)
    needs.probe { $0.ok("page 1") }
    await needs.check(report)
    #expect(report.lines == [
      .init(name: "a", detail: "found a"), .init(name: "store", detail: "found store"), .init(name: "page 1"),
    ])
    #expect(journal.events == [
      "open a", "check a", "open store", "check store", "close store", "close a",
    ], "nothing is waited for or prepared")
  }

  /// The first one's line has the reason; the others are probed too.
  @Test func whatNeedsAnotherThatFailedHasNoLine() async {
    let (needs, report) = (Needs(context), CheckReport())
    let first = needs.add(need("a", opening: Self.wrong))
    needs.add(.setting("b", { try first.value }) { $0 })
    needs.add(need("c"))
    await needs.check(report)
    #expect(report.lines == [
      .init(name: "a", detail: "\(Self.wrong)", failure: .configuration), .init(name: "c", detail: "found c"),
    ])
  }
}
