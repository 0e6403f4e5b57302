import ArgumentParser
import Core
import HTTP
import Influx
import Options

/// The flags of every service that writes line protocol.
package struct InfluxOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "The server: InfluxDB 1.x, 2.x, 3.x or VictoriaMetrics, http(s)://host:8086.", valueName: "url"))
  package var influxURL = "http://localhost:8086"

  @Option(help: ArgumentHelp("InfluxDB 1.x: the database; written through /write.", valueName: "name"))
  package var influxDatabase: String?

  @Option(help: ArgumentHelp("InfluxDB 1.x: the retention policy, if not the default one.", valueName: "name"))
  package var influxRetentionPolicy: String?

  @Option(help: ArgumentHelp("InfluxDB 1.x: user, with INFLUX_PASSWORD.", valueName: "name"))
  package var influxUser: String?

  @Option(help: ArgumentHelp("InfluxDB 1.x: password of --influx-user.", valueName: "secret"), completion: .secret)
  package var influxPassword: String?

  @Option(help: ArgumentHelp("InfluxDB 2.x, 3.x: the bucket; written through /api/v2/write.", valueName: "name"))
  package var influxBucket: String?

  @Option(help: ArgumentHelp("InfluxDB 2.x: the organization, by name or id.", valueName: "name"))
  package var influxOrg: String?

  @Option(help: ArgumentHelp("InfluxDB 2.x, 3.x: token that may write to the bucket.", valueName: "secret"),
          completion: .secret)
  package var influxToken: String?

  @Flag(inversion: .prefixedNo, help: "InfluxDB 1.x: create the database when it is missing.")
  package var influxCreateDatabase = false

  @Option(help: ArgumentHelp("Longest time for one write.", valueName: "duration"))
  package var influxTimeout = DurationSetting(.seconds(30))

  @Option(help: ArgumentHelp(
    "zlib level of request bodies, 1 (fast) to 9 (small); 0 sends them as they are.", valueName: "level"))
  package var influxGzipLevel = 1

  @Option(help: ArgumentHelp(
    "PEM file of the certificate authorities to trust instead of the system's.", valueName: "path"))
  package var influxCAFile: String?

  package init() {}

  /// - Throws: `Failure(.configuration)` that names the flags.
  package func configuration() throws(Failure) -> InfluxConfiguration {
    let api: InfluxAPI
    switch (influxDatabase, influxBucket) {
    case (let database?, nil) where !database.isEmpty:
      api = .v1(database: database, retentionPolicy: influxRetentionPolicy)
    case (nil, let bucket?) where !bucket.isEmpty: api = .v2(organization: influxOrg, bucket: bucket)
    default:
      throw Self.invalid(
        "give either --influx-database (InfluxDB 1.x) or --influx-bucket with --influx-org and INFLUX_TOKEN "
          + "(InfluxDB 2.x, 3.x)")
    }
    let credentials: InfluxCredentials
    switch (influxUser, influxPassword, influxToken) {
    case (nil, nil, nil): credentials = .none
    case (let user?, let password?, nil): credentials = .user(name: user, password: Secret(password))
    case (nil, nil, let token?): credentials = .token(Secret(token))
    default: throw Self.invalid("give either --influx-user with INFLUX_PASSWORD, or INFLUX_TOKEN, not parts of both")
    }
    guard (0...9).contains(influxGzipLevel) else {
      throw Self.invalid("--influx-gzip-level: \(influxGzipLevel) is not 0 to 9")
    }
    guard influxTimeout.duration >= .seconds(1) else { throw Self.invalid("--influx-timeout must be at least 1s") }
    let base: HTTPURL
    do { base = try HTTPURL(influxURL) } catch { throw Self.invalid("--influx-url: \(error.message)") }
    guard base.query == nil else { throw Self.invalid("--influx-url must not have a query; the other flags make it") }
    return InfluxConfiguration(
      base: base, api: api, credentials: credentials, createsDatabase: influxCreateDatabase,
      timeout: influxTimeout.duration, gzipLevel: influxGzipLevel, certificateAuthorityFile: influxCAFile)
  }

  /// The server these flags describe, able to take writes: a wrong token or database stops a service before it works.
  package func need() -> Need<InfluxClient> {
    Need(
      "influx", as: "the server", condition: "influx", open: { try InfluxClient(configuration()) },
      check: { try await $0.prepare() }, close: { $0.close() })
  }

  private static func invalid(_ text: String) -> Failure {
    Failure(.configuration, code: "invalid_setting", text)
  }
}
