import Foundation
import Glibc

/// A PostgreSQL server of our own with a random password.
///
/// Uses the newest server found in `$SOUK_POSTGRES_BIN`, Debian's `/usr/lib/postgresql/*/bin` or `PATH`. As root it
/// runs under the account `postgres` or `nobody`, because the server refuses to run as root.
package final class PrivatePostgres: PrivateServer, @unchecked Sendable {
  package static let user = "souk"
  package static let database = "souk"

  private let binaries: String
  private let password: String
  private let account: Account?
  private let durable: Bool
  private let settings: [String: String]

  /// `postgresql://souk:<password>@127.0.0.1:<port>/souk`
  package var url: String { url(database: Self.database) }
  package func url(database: String) -> String {
    "postgresql://\(Self.user):\(password)@127.0.0.1:\(port)/\(database)"
  }

  private init(durable: Bool, _ settings: [String: String]) throws {
    (self.durable, self.settings) = (durable, settings)
    binaries = try Self.findBinaries()
    account = Account.unprivileged(preferring: ["postgres"])
    password = String((0..<24).compactMap { _ in "abcdefghijkmnpqrstuvwxyz23456789".randomElement() })
    // A quick clean end; SIGTERM would wait for the clients.
    try super.init(try PrivateFolder("postgres", owner: account), haltSignal: SIGINT)
  }

  /// - Parameters:
  ///   - durable: false: no fsync and no full-page writes; several times faster, and safe against everything but a
  ///     crash of the machine. A crash of the server process loses nothing.
  ///   - settings: passed as `-c name=value`.
  /// - Throws: `Failure`: configuration when PostgreSQL is not installed (says what to install); fatal with the end
  ///   of its log when it does not start.
  package static func start(
    durable: Bool = false, settings: [String: String] = [:]
  ) async throws -> PrivatePostgres {
    try await withFreshPorts {
      let server = try PrivatePostgres(durable: durable, settings)
      try await server.initialise()
      try await server.resume()
      try await server.createDatabase(database)
      return server
    }
  }

  /// Creates an empty database and returns its URL.
  @discardableResult
  package func createDatabase(_ name: String) async throws -> String {
    try await ChildProcess.runOrThrow(Launch("\(binaries)/createdb", connection + ["--", name]))
    return url(database: name)
  }

  /// Runs SQL through psql: an independent reader for tests. Rows end with a newline, columns with `|`.
  package func psql(_ sql: String, database: String = PrivatePostgres.database) async throws -> String {
    let arguments = connection + ["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql]
    return try await ChildProcess.runOrThrow(Launch("\(binaries)/psql", arguments))
  }

  private var connection: [String] { ["-h", folder.path, "-p", "\(port)", "-U", Self.user] }

  private func initialise() async throws {
    let passwordFile = folder.file("password")
    try folder.write(password, to: "password")
    if let account { chown(passwordFile, account.user, account.group) }
    defer { unlink(passwordFile) }
    var initdb = Launch("\(binaries)/initdb", [
      "--pgdata", folder.file("data"), "--username", Self.user, "--pwfile", passwordFile, "--no-sync",
      "--auth-host", "scram-sha-256", "--auth-local", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8",
    ])
    initdb.account = account
    initdb.workingDirectory = folder.path
    try await ChildProcess.runOrThrow(initdb, atMost: .seconds(120))
  }

  /// Starts it, or starts it again after `halt` (of which `SIGQUIT` is a crash) with the same data.
  package func resume() async throws {
    var settings = [
      "listen_addresses": "127.0.0.1", "port": "\(port)", "unix_socket_directories": folder.path,
      "jit": "off", "max_connections": "200", "max_wal_size": "2GB", "timezone": "UTC", "log_timezone": "UTC",
    ]
    if !durable {
      // Not `synchronous_commit`: without it a crash of the server alone would lose commits.
      for name in ["fsync", "full_page_writes"] { settings[name] = "off" }
    }
    settings.merge(self.settings) { _, given in given }
    var postgres = Launch("\(binaries)/postgres", ["-D", folder.file("data")])
    postgres.arguments += settings.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
    postgres.account = account
    // An immediate end of all its processes that leaves no shared memory behind.
    postgres.lastSignal = .quit
    let isReady = Launch("\(binaries)/pg_isready", ["-q"] + connection)
    try await run(postgres) { _ in
      (try? await ChildProcess.run(isReady).status.isSuccess) == true
    }
  }

  private static func findBinaries() throws -> String {
    let base = "/usr/lib/postgresql"
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []
    let debian = versions.compactMap { Int($0) }.sorted(by: >).map { "\(base)/\($0)/bin" }
    let chosen = ProcessInfo.processInfo.environment["SOUK_POSTGRES_BIN"].map { [$0] } ?? []
    let initdb = try Program.require("initdb", in: chosen + debian, package: "the Debian package postgresql")
    return String(initdb.dropLast("/initdb".utf8.count))
  }
}
