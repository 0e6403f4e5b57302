import LocalServers

/// The real servers of a test process: started on first use, shared by all tests, stopped with the process. A missing
/// server fails the tests that need it and names the package.
package enum TestServers {
  private static let postgresOnce = Once { try await PrivatePostgres.start() }
  private static let redisOnce = Once { try await PrivateRedis.start() }
  private static let redisModulesOnce = Once { try await PrivateRedis.start(modules: true) }
  private static let influxOnce = Once { try await PrivateInfluxDB.start() }
  private static let seaweedOnce = Once { try await SeaweedFS.start() }

  /// Shared: never stop or signal it (a test that does starts its own `PrivatePostgres`).
  package static func postgres() async throws -> PrivatePostgres { try await postgresOnce.value() }
  package static func redis() async throws -> PrivateRedis { try await redisOnce.value() }
  /// With TimeSeries, Search and JSON. Shared: tests use keys of their own.
  package static func redisWithModules() async throws -> PrivateRedis { try await redisModulesOnce.value() }
  package static func seaweed() async throws -> SeaweedFS { try await seaweedOnce.value() }
  package static func influx() async throws -> PrivateInfluxDB { try await influxOnce.value() }

  /// A new empty database on the shared server, and its name.
  package static func database() async throws -> (url: String, name: String, server: PrivatePostgres) {
    let server = try await postgres()
    let name = "test_" + uniqueName()
    return (try await server.createDatabase(name), name, server)
  }

  /// Lower-case letters and digits; for databases, buckets, key prefixes, groups.
  package static func uniqueName() -> String {
    String((0..<12).compactMap { _ in "abcdefghijkmnpqrstuvwxyz23456789".randomElement() })
  }

  private actor Once<Value: Sendable> {
    private let make: @Sendable () async throws -> Value
    private var task: Task<Value, any Error>?
    init(_ make: @escaping @Sendable () async throws -> Value) { self.make = make }

    func value() async throws -> Value {
      if let task { return try await task.value }
      let task = Task { try await make() }
      self.task = task
      return try await task.value
    }
  }
}
