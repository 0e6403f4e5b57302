import Core
import Messages
import Postgres
import Synchronization

/// Asks the database of the older systems, over a few connections that are opened when they are needed. One that
/// failed is dropped, and the next question opens another: nothing has to be started anew after an outage.
final class Database: Sendable {
  private let configuration: PostgresConfiguration
  private let permits: Permits
  private let idle = Mutex<[PostgresConnection]>([])

  /// - Parameter connections: at most, at once.
  init(_ configuration: PostgresConfiguration, connections: Int = 4) {
    self.configuration = configuration
    permits = Permits(connections)
  }

  /// - Throws: `Problem` 503 while the database is away; `PostgresError` for a statement that it refuses.
  func rows(
    _ sql: String, _ parameters: [PostgresValue] = [], _ operation: String
  ) async throws -> [PostgresRow] {
    guard await permits.acquire() else { throw CancellationError() }
    defer { permits.release() }
    do {
      return try await ask(sql, parameters, operation)
    } catch where ErrorClass(of: error) == .transient {
      throw Problem.away("postgres", "the database does not answer (\(publicCode(of: error))); ask again", after: 5)
    }
  }

  private func ask(_ sql: String, _ parameters: [PostgresValue], _ operation: String) async throws -> [PostgresRow] {
    while let connection = idle.withLock({ $0.popLast() }) {
      do {
        return try await ask(connection, sql, parameters, operation)
      } catch let error as PostgresError where error.reason == .connection || error.reason == .poisoned {
        // It may have been idle through an outage: the statements read, so another connection is asked the same.
      }
    }
    return try await ask(try await PostgresConnection.open(configuration), sql, parameters, operation)
  }

  private func ask(
    _ connection: PostgresConnection, _ sql: String, _ parameters: [PostgresValue], _ operation: String
  ) async throws -> [PostgresRow] {
    let result: PostgresResult
    do {
      result = try await connection.execute(sql, parameters, operation: operation)
    } catch {
      if await !connection.isPoisoned { idle.withLock { $0.append(connection) } }
      throw error
    }
    idle.withLock { $0.append(connection) }
    return result.rows
  }

  func isThere() async -> Bool { (try? await rows("SELECT 1", [], "ping")) != nil }

  /// SQL of a time as microseconds since 1970.
  static func microseconds(_ column: String) -> String { "(extract(epoch FROM \(column)) * 1000000)::bigint" }
}

/// What a column of a row is in JSON.
enum CellKind { case text, number, time, boolean, json }

extension JSONWriter {
  /// An array of objects, one for each row, with a member for each column.
  mutating func rows(_ name: String, _ rows: some Sequence<PostgresRow>, _ columns: [(name: String, kind: CellKind)]) {
    key(named: name)
    beginArray()
    for row in rows {
      beginObject()
      for (index, column) in columns.enumerated() {
        key(named: column.name)
        guard let cell = row[index] else {
          null()
          continue
        }
        switch column.kind {
        case .text: string(cell)
        case .number: if HotStore.isNumber(cell) { raw(cell) } else { null() }
        case .time: if let time = Int64(cell) { string(RFC3339.text(ns: time &* 1_000)) } else { null() }
        case .boolean: bool(cell == "t")
        case .json: raw(cell)
        }
      }
      endObject()
    }
    endArray()
  }
}

extension [PostgresRow] {
  /// The latest time of a column of microseconds, in nanoseconds.
  func newest(_ column: Int) -> Int64? { compactMap { $0[column].flatMap { Int64($0) } }.max().map { $0 &* 1_000 } }

  /// Where the next page begins, of rows in the order of a time.
  /// - Parameters:
  ///   - column: of the time, microseconds.
  ///   - start: of this page, milliseconds; `skip` rows of that moment came before it.
  func next(after most: Int, time column: Int, from start: Int64, _ skip: Int64) -> Cursor? {
    guard count > most, let time = self[most][column].flatMap({ Int64($0) }) else { return nil }
    let moment = time.flooredDivision(by: 1_000).quotient
    let before = prefix(most).count { row in
      row[column].flatMap { Int64($0) }?.flooredDivision(by: 1_000).quotient == moment
    }
    let skipped = Int64(before) + (moment == start ? skip : 0)
    return Cursor(time: moment, mark: skipped > 0 ? "\(skipped)" : nil)
  }
}
