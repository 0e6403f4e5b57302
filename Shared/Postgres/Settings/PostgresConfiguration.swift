import CPQ
import Core

/// Where and how to connect. Its description never shows the password.
package struct PostgresConfiguration: Sendable, CustomStringConvertible {
  /// A URI (`postgresql://user:password@host:5432/name?sslmode=require`) or libpq's `key=value` form. What is
  /// absent comes from libpq's own sources: `PGHOST`, `PGPASSWORD`, `~/.pgpass`, the service file. It may also be a
  /// reference to either (``Secret``), which is followed at each connection.
  package var url: String { didSet { secret = Secret(url) } }
  private var secret: Secret
  /// Shown in `pg_stat_activity`.
  package var applicationName: String
  /// Limits name resolution, TCP, TLS and authentication together.
  package var connectTimeout: Duration
  /// Limits each statement, also within a pipeline; the server's `statement_timeout` is the same.
  package var statementTimeout: Duration
  /// How long a statement may wait for a lock before it fails with 55P03 and is retried later.
  package var lockTimeout: Duration
  /// How long bytes may stay unacknowledged before the TCP connection breaks (`tcp_user_timeout`).
  package var tcpUserTimeout: Duration
  /// Reports what the connection waits for and for how long: when the wait begins, then at every `progressInterval`.
  /// Called on the connection's thread.
  package var progress: (@Sendable (_ operation: String, _ waited: Duration) -> Void)?
  package var progressInterval = Duration.seconds(5)

  package init(
    url: String, applicationName: String = "souk", connectTimeout: Duration = .seconds(10),
    statementTimeout: Duration = .seconds(60), lockTimeout: Duration = .seconds(20),
    tcpUserTimeout: Duration = .seconds(20)
  ) {
    self.url = url
    secret = Secret(url)
    self.applicationName = applicationName
    self.connectTimeout = connectTimeout
    self.statementTimeout = statementTimeout
    self.lockTimeout = lockTimeout
    self.tcpUserTimeout = tcpUserTimeout
  }

  /// The URL with `***` for the password.
  package var description: String { Self.masked(url) }

  /// Replaces the password of a URI's user part, of a `password=` parameter, or of a `key=value` string.
  package static func masked(_ url: String) -> String {
    // A value in quotes may hold blanks, and after a backslash a quote.
    url.replacing(/:\/\/([^:\/?]*):[^\/?]*@/) { "://\($0.1):***@" }
      .replacing(/(^|[?&\s])(password|sslpassword) *= *('(?:\\.|[^'\\])*'?|[^& ]*)/) { "\($0.1)\($0.2)=***" }
  }

  /// libpq's parameters: our defaults first, then the user's, which win (except for `client_encoding`).
  package func parameters() throws(PostgresError) -> [(String, String)] {
    var message: UnsafeMutablePointer<CChar>?
    let text: String
    do { text = try secret.resolve() } catch {
      throw PostgresError(.settings, operation: "read --database-url", error.message)
    }
    guard let parsed = PQconninfoParse(text, &message) else {
      // libpq's message may quote the string it could not parse, password included.
      PQfreemem(message)
      throw PostgresError(
        .settings, operation: "read --database-url",
        "not a PostgreSQL address; write postgresql://user:password@host:5432/database")
    }
    defer { PQconninfoFree(parsed) }
    var values: [(String, String)] = [
      ("fallback_application_name", applicationName), ("client_encoding", "UTF8"), ("keepalives", "1"),
      ("keepalives_idle", "10"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
      ("tcp_user_timeout", String(tcpUserTimeout.milliseconds)),
    ]
    var index = 0
    while let keyword = parsed[index].keyword {
      defer { index += 1 }
      guard let value = parsed[index].val else { continue }
      let key = String(cString: keyword)
      let text = String(cString: value)
      guard key != "client_encoding" else { continue }
      values.removeAll { $0.0 == key }
      values.append((key, text))
    }
    return values
  }
}

extension PostgresConfiguration {
  /// Sent after connecting, not as the startup parameter `options`, which poolers refuse.
  var sessionSettings: String {
    """
    SET lock_timeout = \(lockTimeout.milliseconds);
    SET idle_in_transaction_session_timeout = \(statementTimeout.milliseconds);
    SET timezone = 'UTC'; SET datestyle = 'ISO'; SET bytea_output = 'hex'; SET extra_float_digits = 1
    """
  }
}

extension Duration {
  var milliseconds: Int64 { Int64(self / .milliseconds(1)) }
}
