@testable import DBWriterService
import Kafka
import LocalServers
import Messages
import Pipeline
import Postgres
import TestSupport
import Values

/// A migrated database of its own, and stores that write to it.
struct StoreFixture {
  static let topic = "gogobe.products.ingest"
  let url: String
  let name: String
  let server: PrivatePostgres

  let dialect: Dialect

  init(dialect: Dialect = .postgresql) async throws {
    self.dialect = dialect
    (url, name, server) = try await TestServers.database()
    _ = try await DBWriterSchema.migrator(dialect).migrate(try await connect())
  }

  func connect() async throws -> PostgresConnection {
    try await PostgresConnection.open(PostgresConfiguration(url: url))
  }

  func store(
    group: String = "db-writer", cluster: String = "cluster", statementTimeout: Duration = .seconds(60)
  ) -> TableStore {
    TableStore(
      configuration: PostgresConfiguration(url: url, statementTimeout: statementTimeout),
      scope: OffsetScope(clusterID: cluster, consumerGroup: group),
      staging: StagingArea(WriteTargets.all, dialect: dialect, instance: TestServers.uniqueName()))
  }

  func psql(_ sql: String) async throws -> String {
    try await server.psql("SET timezone = 'UTC'; " + sql, database: name)
  }

  /// Everything the messages decide, in a fixed order.
  func tables() async throws -> String {
    try await psql("""
      SELECT * FROM products ORDER BY chain, ean;
      SELECT * FROM prices ORDER BY chain, store_id, ean;
      SELECT * FROM price_history ORDER BY chain, store_id, ean, file_time, file_id, row_number;
      SELECT file_id, chain, store_id, file_time, prices_new, prices_changed, prices_unchanged FROM file_effects
      ORDER BY chain, store_id, file_id
      """)
  }

  func prices() async throws -> String {
    try await psql("SELECT chain, store_id, ean, price FROM prices ORDER BY chain, store_id, ean")
  }

  func offsets() async throws -> String {
    try await psql("SELECT topic, partition, next_offset FROM kafka_offsets ORDER BY 1, 2")
  }
}

func source(_ partition: Int32 = 0) -> TopicPartition { TopicPartition(StoreFixture.topic, partition) }

extension TableStore {
  @discardableResult
  func append(_ source: TopicPartition, _ offset: Int64, _ bytes: [UInt8]?) throws -> Disposition {
    guard let bytes else { return try append(source, offset: offset, value: nil) }
    return try append(source, offset: offset, value: bytes.span.bytes)
  }
}

func hourTime(_ hour: Int) -> Timestamp {
  Timestamp(microseconds: 1_737_331_200_000_000 + Int64(hour) * 3_600_000_000)!
}

func fileID(_ number: Int) -> String {
  let digits = String(number, radix: 16)
  return String(repeating: "0", count: 32 - digits.count) + digits
}

/// A message of one store: `hour` is the file's time, and with `file` its identity.
func ingest(
  chain: String = "chain", store: String = "1", hour: Int = 0, file: Int? = nil, sequence: Int = 0,
  closes: Bool = false, alsoNamed: [String] = [], _ items: [ProductsIngest.Item]
) -> [UInt8] {
  let fileID = fileID(file ?? hour)
  return ProductsIngest(
    header: ProductsIngest.Header(
      batchID: IngestHeader.batchID(fileID: fileID, sequence: Int64(sequence)), chain: chain, storeID: store,
      fileID: fileID, fileTime: hourTime(hour), isFull: closes, isLast: closes, alsoNamed: alsoNamed),
    items: items).encoded()
}

func item(_ ean: String, _ price: String, row: Int = 0, name: String? = nil) -> ProductsIngest.Item {
  ProductsIngest.Item(
    ean: ean, price: ExactDecimal(price)!, masterID: "chain:\(ean)", name: name, row: Int64(row))
}
