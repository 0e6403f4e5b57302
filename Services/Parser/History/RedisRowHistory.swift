import Redis
import Runtime

/// One key per series, `souk:parser:rows:<series>`, which expires when no file of it was read for `retention`.
/// Several parsers may share it: the files of one store are read by one of them at a time.
package struct RedisRowHistory: RowHistory {
  private let client: RedisClient
  private let seconds: String

  package init(client: RedisClient, retention: Duration = .seconds(60 * 86_400)) {
    self.client = client
    seconds = String(max(1, retention.components.seconds))
  }

  package func counts(of series: String) async throws -> [RowCount] {
    RowSeries.counts(try await client.send(RedisCommand("GET", Self.key(series))).text ?? "")
  }

  package func remember(_ counts: [RowCount], of series: String) async throws {
    _ = try await client.send(RedisCommand("SET", Self.key(series), RowSeries.text(counts), "EX", seconds))
  }

  package func ping() async throws { try await client.ping() }
  package func close() async { await client.close() }

  private static func key(_ series: String) -> String { "souk:parser:rows:\(series)" }
}
