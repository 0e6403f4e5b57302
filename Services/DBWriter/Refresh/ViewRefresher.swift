import Core
import Logging
import Metrics
import Postgres
import Synchronization

/// Refreshes the materialized views when their contents have changed, on a separate connection.
///
/// The database knows which views are due (`kafka_offsets.changes` against `view_refreshes.version`), so any replica
/// can refresh what another wrote: the first that gets the lock does the work, and many changes need one refresh. A
/// failed refresh never fails the service: it is counted, logged and retried an interval later.
package final class ViewRefresher: Sendable {
  private let configuration: PostgresConfiguration
  private let dialect: Dialect
  private let interval: Duration
  private let logger: Logger
  private let metrics = RefreshMetrics()
  private let connection = Mutex<PostgresConnection?>(nil)
  /// When a failed view is retried.
  private let postponed = Mutex<[String: ContinuousClock.Instant]>([:])

  /// - Parameters:
  ///   - interval: the shortest time between two refreshes of one view, over all replicas.
  ///   - timeout: of one refresh; the server ends a longer one.
  package init(
    configuration: PostgresConfiguration, dialect: Dialect, interval: Duration, timeout: Duration, logger: Logger
  ) {
    var configuration = configuration
    configuration.applicationName += " refresh"
    configuration.statementTimeout = timeout
    self.configuration = configuration
    self.dialect = dialect
    self.interval = interval
    self.logger = logger
  }

  /// Works until `drain` is raised or the task is cancelled; then cancels the running statement on the server.
  package func run(until drain: Interruption) async {
    await withTaskGroup(of: Void.self) { group in
      let looked = Interruption()
      group.addTask {
        await self.look(until: drain)
        looked.raise()
      }
      group.addTask {
        await drain.wait()
        // Repeats, because the statement may still be on its way to the server. Sleeps in another task, because a
        // cancellation would end a sleep of this one.
        while !looked.isRaised {
          self.connection.withLock { $0 }?.cancelStatement()
          await Task { _ = await looked.sleep(for: .milliseconds(200)) }.value
        }
      }
    }
  }

  private func look(until drain: Interruption) async {
    // Each check is one small query.
    let pause = max(.milliseconds(50), min(interval, .seconds(5)))
    while await !drain.sleep(for: pause) {
      do {
        _ = try await refreshDue { drain.isRaised || Task.isCancelled }
      } catch {
        connection.withLock { $0 = nil }
        if drain.isRaised { return }
        metrics.lookFailed()
        logger.warning("the state of the views is unknown", metadata: ["reason": "\(error)"])
      }
    }
  }

  /// Refreshes the due views, unless another replica does.
  ///
  /// - Parameter stop: checked between views.
  /// - Returns: the refreshed views.
  /// - Throws: `PostgresError`, except of a refresh itself.
  package func refreshDue(unless stop: @escaping @Sendable () -> Bool = { false }) async throws -> [String] {
    let connection = try await opened()
    let seen = try await states(on: connection)
    metrics.ages(seen)
    guard !due(seen).isEmpty else { return [] }
    guard try await take(on: connection) else { return [] }
    var done: [String] = []
    do {
      // Reads again: another replica may have refreshed them just before it released the lock.
      for view in due(try await states(on: connection)) where !stop() {
        if try await refresh(view, on: connection) { done.append(view.name) }
      }
    } catch {
      // Closing the connection releases the lock.
      self.connection.withLock { $0 = nil }
      throw error
    }
    try await release(on: connection)
    return done
  }

  private func due(_ states: [ViewState]) -> [ViewState] {
    let now = ContinuousClock.now
    return postponed.withLock { postponed in
      states.filter { $0.isBehind && $0.age >= interval && postponed[$0.name].map { $0 <= now } ?? true }
    }
  }

  private func opened() async throws -> PostgresConnection {
    if let known = connection.withLock({ $0 }), await !known.isPoisoned { return known }
    let fresh = try await PostgresConnection.open(configuration)
    connection.withLock { $0 = fresh }
    return fresh
  }

  private func states(on connection: PostgresConnection) async throws -> [ViewState] {
    let answer = try await connection.perform {
      try $0.execute(RefreshSQL.states, [.texts(RefreshSQL.views)], operation: "read views")
    }
    return try answer.rows.compactMap { row in
      guard let name = RefreshSQL.views.first(where: { $0 == row[0] }) else { return nil }
      return ViewState(
        name: name, version: try row.int(1) ?? 0, changes: try row.int(2) ?? 0,
        age: .milliseconds(try row.int(3) ?? 0))
    }
  }

  /// - Returns: false when the refresh failed and is postponed.
  private func refresh(_ view: ViewState, on connection: PostgresConnection) async throws -> Bool {
    let start = ContinuousClock.now
    do {
      let sql = RefreshSQL.refresh(view.name, dialect)
      try await connection.perform { try $0.script(sql, operation: "refresh \(view.name)") }
    } catch let error as PostgresError {
      metrics.failed(view.name)
      logger.warning("a view was not refreshed", metadata: ["view": "\(view.name)", "reason": "\(error)"])
      postponed.withLock { $0[view.name] = .now + interval }
      if await connection.isPoisoned { throw error }
      return false
    }
    let took = ContinuousClock.now - start
    let seconds = took / .seconds(1)
    // Changes since `changes` was read may be missing in the view, so they do not count.
    _ = try await connection.perform {
      try $0.execute(
        RefreshSQL.note, [.text(view.name), .int(view.changes), .text("\(seconds)")], operation: "note a refresh")
    }
    postponed.withLock { $0[view.name] = nil }
    metrics.refreshed(view.name, in: took)
    logger.debug("view refreshed", metadata: ["view": "\(view.name)", "seconds": "\(seconds)"])
    return true
  }

  // MARK: One replica at a time

  private func take(on connection: PostgresConnection) async throws -> Bool {
    let statement = RefreshSQL.take(dialect, lease: configuration.statementTimeout * 4)
    let answer = try await connection.perform {
      try $0.execute(statement.sql, statement.parameters, operation: "take turns")
    }
    return answer.rows.first?[0] == "t"
  }

  private func release(on connection: PostgresConnection) async throws {
    let sql = RefreshSQL.release(dialect)
    _ = try await connection.perform { try $0.execute(sql, operation: "take turns") }
  }
}

/// A view's state relative to the tables.
struct ViewState: Hashable, Sendable {
  var name: String
  /// The changes in the view.
  var version: Int64
  /// The changes in the tables.
  var changes: Int64
  /// Time since its last refresh.
  var age: Duration
  var isBehind: Bool { version != changes }
}

/// Statements of `ViewRefresher`.
enum RefreshSQL {
  /// The views of the migrations. Other names in `view_refreshes` are ignored: a name from a table never becomes part
  /// of a statement.
  static let views = ["chain_price_index", "cheapest_by_product", "todays_changes"]

  static let states = """
    SELECT view_name, version, (SELECT coalesce(sum(changes), 0)::bigint FROM kafka_offsets),
           floor(extract(epoch FROM now() - refreshed_at) * 1000)::bigint
    FROM view_refreshes
    WHERE view_name = ANY ($1::text[])
    ORDER BY view_name
    """

  static let note = """
    UPDATE view_refreshes SET version = $2, refreshed_at = now(), seconds = $3::double precision WHERE view_name = $1
    """

  /// Readers keep the old contents until the refresh ends.
  static func refresh(_ view: String, _ dialect: Dialect) -> String {
    switch dialect {
    case .postgresql: "REFRESH MATERIALIZED VIEW CONCURRENTLY \(view)"
    case .cockroachdb: "REFRESH MATERIALIZED VIEW \(view)"
    }
  }

  /// Returns `t` to one replica at a time: by a lock that ends with the session, or by a lease that expires.
  static func take(_ dialect: Dialect, lease: Duration) -> PostgresStatement {
    switch dialect {
    case .postgresql:
      PostgresStatement("SELECT pg_try_advisory_lock($1)", [.int(key)])
    case .cockroachdb:
      PostgresStatement("""
        UPDATE view_refreshes SET leased_until = now() + $1::interval
        WHERE view_name = 'cheapest_by_product' AND leased_until <= now() RETURNING true
        """, [.text("\(lease.components.seconds + 1) seconds")])
    }
  }

  static func release(_ dialect: Dialect) -> String {
    switch dialect {
    case .postgresql: "SELECT pg_advisory_unlock(\(key))"
    case .cockroachdb:
      "UPDATE view_refreshes SET leased_until = now() WHERE view_name = 'cheapest_by_product'"
    }
  }

  /// A unique number among the database's advisory locks.
  private static let key: Int64 = 7_290_058_140_887
}
