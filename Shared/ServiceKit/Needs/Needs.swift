import Core
import Logging
import Synchronization

/// What a service needs of the world outside, named in its `work(_:)`.
///
/// A run opens everything in the order it was named, waits for all of it side by side, works, and closes in reverse
/// order on every path. `--check` opens, probes and closes the same list.
package final class Needs {
  package let context: ServiceContext
  /// Between two attempts of a start.
  package var backoff = Backoff()

  private struct Entry: Sendable {
    var open: @Sendable () throws -> Void = {}
    /// - Returns: false when the service was asked to drain first.
    var wait: (@Sendable (Backoff) async throws -> Bool)?
    var check: (@Sendable (CheckReport) async -> Void)?
    var close: @Sendable () async -> Void = {}
  }
  private var entries: [Entry] = []
  private var companions: [@Sendable () async throws -> Void] = []

  package init(_ context: ServiceContext) { self.context = context }

  package var drain: Interruption { context.drain }
  package var logger: Logger { context.logger }

  /// - Returns: what will have been opened when work begins, and for what is named after it, when that is opened.
  @discardableResult
  package func add<Value>(_ need: Need<Value>) -> Opened<Value> {
    let (opened, context) = (Opened<Value>(need.name), context)
    var entry = Entry()
    entry.open = { try opened.open(need.open) }
    if let condition = need.condition {
      // Not ready from the beginning, and not only from the first look.
      context.expect([condition])
      entry.wait = { backoff in try await context.awaited(need, try opened.value, condition, backoff) }
    }
    if let check = need.check {
      entry.check = { report in
        await report.probe(need.name, limit: need.limit) {
          try opened.open(need.open)
          return try await check(opened.value)
        }
      }
    }
    entry.close = { if let value = opened.take() { await need.close(value) } }
    entries.append(entry)
    return opened
  }

  /// Lines of `--check` whose number only what was opened tells.
  package func probe(_ probe: @escaping @Sendable (CheckReport) async -> Void) { entries.append(Entry(check: probe)) }

  /// Runs beside the work, from its beginning until its end, where it is cancelled. What it throws before drains the
  /// service and fails it afterwards.
  /// - Parameter conditions: of `/readyz`, which it sets.
  package func beside(_ conditions: String..., companion: @escaping @Sendable () async throws -> Void) {
    context.expect(conditions)
    companions.append(companion)
  }

  // MARK: - One run

  package func check(_ report: CheckReport) async {
    for entry in entries { await entry.check?(report) }
    await close()
  }

  package func run(_ work: Work) async throws {
    let outcome: Result<Void, any Error>
    do {
      for entry in entries { try entry.open() }
      if try await isEverythingThere() { try await perform(work) }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    await close()
    try outcome.get()
  }

  private func close() async {
    for entry in entries.reversed() { await entry.close() }
  }

  /// Waits for all needs side by side, so that `/readyz` names all that is missing, and a setting that is wrong stops
  /// the service although something else is away.
  private func isEverythingThere() async throws -> Bool {
    let (waits, backoff) = (entries.compactMap(\.wait), backoff)
    return try await withThrowingTaskGroup(of: Bool.self) { group in
      for wait in waits { group.addTask { try await wait(backoff) } }
      return try await group.reduce(true) { $0 && $1 } && !drain.isRaised
    }
  }

  private func perform(_ work: Work) async throws {
    enum Ending: Sendable {
      case work(Result<Void, any Error>)
      case companion(Result<Void, any Error>)
    }
    let (companions, drain) = (companions, drain)
    context.health.began()
    let outcome: Result<Void, any Error> = await withTaskGroup(of: Ending.self) { group in
      group.addTask { .work(await Self.result(work.body)) }
      for companion in companions { group.addTask { .companion(await Self.result(companion)) } }
      var failure: (any Error)?
      while let ending = await group.next() {
        switch ending {
        case .companion(.success): break
        case .companion(.failure(let error)):
          failure = failure ?? error
          drain.raise()
        case .work(let result):
          group.cancelAll()
          return result.flatMap { failure.map { .failure($0) } ?? .success(()) }
        }
      }
      return .success(())
    }
    try outcome.get()
  }

  private static func result(_ body: () async throws -> Void) async -> Result<Void, any Error> {
    do { return .success(try await body()) } catch { return .failure(error) }
  }
}

/// What a service does once all that it needs is there, until it is drained or done.
package struct Work: Sendable {
  let body: @Sendable () async throws -> Void

  package init(_ body: @escaping @Sendable () async throws -> Void) { self.body = body }

  package func run() async throws { try await body() }

  /// All of them at once, until each has ended. When one fails, `drain` is raised and the others are cancelled.
  package static func together(_ works: Work..., draining drain: Interruption) -> Work {
    Work {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for work in works { group.addTask { try await work.body() } }
        do {
          // Not waitForAll(): it goes on waiting for the others when one has thrown.
          while try await group.next() != nil {}
        } catch {
          drain.raise()
          throw error
        }
      }
    }
  }
}

/// What a need was opened as.
package final class Opened<Value: Sendable>: Sendable {
  private let name: String
  private let state = Mutex<Value?>(nil)

  init(_ name: String) { self.name = name }

  /// - Throws: `NotOpened`, when it is asked for too early, or could not be opened.
  package var value: Value {
    get throws {
      guard let value = state.withLock({ $0 }) else { throw NotOpened(name: name) }
      return value
    }
  }

  func open(_ open: () throws -> Value) throws {
    let value = try open()
    state.withLock { $0 = value }
  }

  func take() -> Value? {
    state.withLock { state in
      defer { state = nil }
      return state
    }
  }
}

/// A need was asked for that is not open: in `--check`, because its own line says why.
struct NotOpened: ClassifiedError {
  let name: String
  let code = "need_not_open"
  let errorClass = ErrorClass.fatal
  var description: String { "'\(name)' is not open [\(code)]" }
}

extension ServiceContext {
  /// Registers conditions that work sets once it has begun: `/readyz` says no until then.
  package func expect(_ conditions: [String]) { for name in conditions { _ = health.readiness(name) } }

  fileprivate func awaited<Value>(
    _ need: Need<Value>, _ value: Value, _ condition: String, _ backoff: Backoff
  ) async throws -> Bool {
    let readiness = health.readiness(condition)
    if let wait = need.wait {
      return try await wait(value, NeedWait(drain: drain, logger: logger) { readiness.set(ready: $0, reason: $1) })
    }
    guard let prepare = need.prepare ?? need.check else { return true }
    let found = try await wait(for: need.title, readiness, backoff) { try await prepare(value) }
    guard let found else { return false }
    if !found.isEmpty { logger.info("\(need.name) ready", metadata: ["found": "\(found)"]) }
    return true
  }
}
