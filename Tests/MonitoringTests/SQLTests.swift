import Foundation
import LocalServers
import Testing
import TestSupport

/// The SQL of dashboards, as Grafana sends it, on the migrated database and as the login that Grafana has.
@Suite struct SQLTests {
  @Test(.timeLimit(.minutes(10))) func everyQueryFindsWhatIsThere() async throws {
    let (url, name, server) = try await TestServers.database()
    let migrated = try await ServiceProcess.run("db-writer", ["migrate"], environment: ["DATABASE_URL": url])
    try #require(migrated.status.isSuccess, "\(migrated.errorOutput)")
    // Made twice: each start of compose does.
    for password in ["first", "it's"] { try await makeReader(url, password) }
    _ = try await server.psql(Self.rows, database: name)

    var count = 0
    for dashboard in try Dashboard.all() {
      let ofPanels = dashboard.panels.flatMap { panel in
        panel.queries.filter { $0.datasourceType == Self.source }.map { (panel.title, $0.expression) }
      }
      let ofVariables = dashboard.variables.filter { $0.datasourceType == Self.source }.map { ($0.name, $0.query) }
      for (place, query) in ofPanels + ofVariables {
        count += 1
        do {
          let found = try await server.psql("SET ROLE souk_reader; \(Self.filled(query))", database: name)
          let isEmpty = found.allSatisfy(\.isWhitespace)
          #expect(!isEmpty, "\(dashboard.file): \(place) is empty")
        } catch {
          Issue.record("\(dashboard.file): \(place): \(error)")
        }
      }
    }
    #expect(count > 20)

    // With its own login it reads, and writes nothing, even when it leaves the transactions that only read.
    let reader = url.replacing(/\/\/[^@]*@/, with: "//souk_reader:it%27s@")
    #expect(try await psql(reader, "SELECT count(*) FROM offers").output == "2\n")
    for statement in ["DELETE FROM prices", "CREATE TABLE x (y int)", "SET ROLE souk"] {
      let outcome = try await psql(reader, "SET default_transaction_read_only = off", statement)
      #expect(!outcome.status.isSuccess, "\(statement)")
      #expect(outcome.errorOutput.contains("permission denied"), "\(statement): \(outcome.errorOutput)")
    }
  }

  private static let source = "grafana-postgresql-datasource"

  private func makeReader(_ url: String, _ password: String) async throws {
    var launch = Launch(try Program.require("psql", package: "the Debian package postgresql"), [
      url, "-Xq", "-v", "ON_ERROR_STOP=1", "-f", Repository.path("compose/postgres/reader.sql"),
    ])
    launch.environment = ["READER_PASSWORD": password]
    let outcome = try await ChildProcess.run(launch, atMost: .seconds(600))
    #expect(outcome.status.isSuccess, "\(outcome.errorOutput)")
  }

  private func psql(_ url: String, _ statements: String...) async throws -> ChildProcess.Outcome {
    let program = try Program.require("psql", package: "the Debian package postgresql")
    let arguments = [url, "-XAtq", "-v", "ON_ERROR_STOP=1"] + statements.flatMap { ["-c", $0] }
    return try await ChildProcess.run(Launch(program, arguments), atMost: .seconds(600))
  }

  /// What Grafana puts in the place of its macros and variables, for the days of `rows`.
  static func filled(_ query: String) -> String {
    let values = [
      "search": "'milk'", "product": "'m1'", "chain": "'alef','bet'", "series": "'eu.de.polymer.ldpe'",
      "kind": "'price'", "model": "'lstm'",
    ]
    let (from, to) = ("'2026-02-20T00:00:00Z'", "'2026-03-10T00:00:00Z'")
    return query.replacing(/\$__timeFilter\((\w+)\)/) { "\($0.1) BETWEEN \(from) AND \(to)" }
      .replacing(/\$__timeGroup\((\w+), '1d'\)/) { "floor(extract(epoch from \($0.1))/86400)*86400" }
      .replacing("$__timeTo()", with: to)
      .replacing(/\$\{(\w+):sqlstring\}/) { values[String($0.1)] ?? "$\($0.1)" }
  }

  /// Two stores of two chains with one product, a change of its price, and a forecast of which two steps came true.
  private static let rows = """
    INSERT INTO stores (chain, chain_id, sub_chain_id, store_id, name, city, file_time, file_id) VALUES
      ('alef', '1', '1', '1', 'One', 'Haifa', '2026-03-01', gen_random_uuid()),
      ('bet', '2', '1', '7', 'Seven', 'Akko', '2026-03-01', gen_random_uuid());
    INSERT INTO products (chain, ean, master_id, name, unit_of_measure, file_time, file_id, row_number) VALUES
      ('alef', '729', 'm1', 'Milk ''3%''', 'l', '2026-03-01', gen_random_uuid(), 1),
      ('bet', '729', 'm1', 'Milk 3%', 'l', '2026-03-01', gen_random_uuid(), 1);
    INSERT INTO prices (chain, store_id, ean, price, unit_price, price_since, file_time, file_id, row_number) VALUES
      ('alef', '1', '729', 6.5, 6.5, '2026-03-02', '2026-03-02', gen_random_uuid(), 1),
      ('bet', '7', '729', 7.1, 7.1, '2026-03-02', '2026-03-02', gen_random_uuid(), 1);
    SELECT ensure_price_history(array['2026-03-01'::date]);
    INSERT INTO price_history
      (chain, store_id, ean, file_time, file_id, row_number, price, previous_price, previous_since) VALUES
      ('alef', '1', '729', '2026-03-02', gen_random_uuid(), 1, 6.5, 6.9, '2026-03-01');
    INSERT INTO parsed_files (file_id, chain, file_name, outcome, rows, distinct_codes, duplicates, rejected, item_refs,
        batches, unknown_elements, bytes, xml_bytes, file_time, parse_ms, new_masters, matched)
      VALUES (gen_random_uuid(), 'alef', 'Price.gz', 'parsed', 1, 1, 0, 0, 0, 1, '{}', 10, 20, '2026-03-02', 1, 1, 0);
    INSERT INTO market_observations
      (series, kind, observed_at, material, value, currency, unit, source, flags)
      SELECT 'eu.de.polymer.ldpe', 'price', '2026-03-01'::timestamptz + h * interval '1 hour', 'ldpe', 100 + h, 'EUR',
        't', 'test', '{}' FROM generate_series(0, 30) AS h;
    INSERT INTO predictions (prediction_id, step, series, kind, model, model_version, model_kind, issued_at,
        target_at, mean, quantiles, currency, unit, input_digest, flags)
      SELECT '00000000-0000-0000-0000-000000000001', s, 'eu.de.polymer.ldpe', 'price', 'lstm', '1', 'polymer',
        '2026-03-02', '2026-03-02'::timestamptz + s * interval '1 hour', 120 + s, '[[0.1, 110], [0.9, 140]]', 'EUR',
        't', gen_random_uuid(), '{}' FROM generate_series(1, 3) AS s;
    INSERT INTO predictions (prediction_id, step, series, kind, model, model_version, model_kind, issued_at,
        quantiles, input_digest, flags, withheld)
      VALUES ('00000000-0000-0000-0000-000000000002', 0, 'eu.de.polymer.ldpe', 'price', 'lstm', '1', 'polymer',
        '2026-03-02', '[]', gen_random_uuid(), '{}', 'too_few_observations');
    REFRESH MATERIALIZED VIEW cheapest_by_product;
    REFRESH MATERIALIZED VIEW chain_price_index;
    REFRESH MATERIALIZED VIEW todays_changes;
    """
}
