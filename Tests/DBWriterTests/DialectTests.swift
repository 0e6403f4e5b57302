@testable import DBWriterService
import LocalServers
import Testing
import TestSupport

/// What `--dialect cockroachdb` changes, as far as PostgreSQL can tell: staging in ordinary tables of a schema of the
/// instance's own, one table of history.
@Suite struct DialectTests {
  @Test func ordinaryStagingTablesGiveTheSameTables() async throws {
    var contents: Set<String> = []
    for dialect in Dialect.allCases {
      let fixture = try await StoreFixture(dialect: dialect)
      let stores = [fixture.store(), fixture.store()]
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (index, store) in stores.enumerated() {
          group.addTask {
            let source = source(Int32(index))
            _ = try await store.start([source])
            for round in 0..<5 {
              for batch in 0..<3 {
                let items = (0..<20).map { item("\($0)", "\(round + $0)", row: $0 + batch * 20) }
                let text = ingest(store: "\(index)", hour: round, file: round * 2 + index, sequence: batch, items)
                try store.append(source, Int64(round * 3 + batch), text)
              }
              _ = try await store.flushStaged()
            }
          }
        }
        try await group.waitForAll()
      }
      contents.insert(try await fixture.tables())
      #expect(try await fixture.psql("SELECT count(*) FROM prices") == "40\n")
    }
    #expect(contents.count == 1)
  }
}
