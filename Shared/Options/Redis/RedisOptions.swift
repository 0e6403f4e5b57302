import ArgumentParser
import Core
import Options
import Redis

/// The flags of Redis.
package struct RedisOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "redis://[[user]:password@]host[:port][/database], or rediss:// for TLS.", valueName: "url"),
    completion: .secret)
  package var redisURL: String?

  @Option(help: ArgumentHelp(
    "PEM file of the certificate authorities to trust for rediss:// instead of the system's.", valueName: "path"))
  package var redisCAFile: String?

  @Option(help: ArgumentHelp("Longest time to connect to Redis.", valueName: "duration"))
  package var redisConnectTimeout = DurationSetting(.seconds(5))

  @Option(help: ArgumentHelp("Longest wait for one reply of Redis.", valueName: "duration"))
  package var redisTimeout = DurationSetting(.seconds(5))

  package init() {}

  /// - Parameter url: where to connect instead of `--redis-url`.
  /// - Throws: `Failure(.configuration)` naming the flag.
  package func configuration(clientName: String, url: String? = nil) throws(Failure) -> RedisConfiguration {
    guard let text = url ?? redisURL else {
      throw Failure(.configuration, code: "missing_redis_url", "--redis-url is needed (e.g. redis://127.0.0.1:6379/0)")
    }
    for (flag, value) in [("--redis-connect-timeout", redisConnectTimeout), ("--redis-timeout", redisTimeout)]
    where value.duration <= .zero {
      throw Failure(.configuration, code: "invalid_setting", "\(flag): \(value) is not above 0")
    }
    var configuration = RedisConfiguration(
      url: try RedisURL(try Secret(text).resolve()), connectTimeout: redisConnectTimeout.duration,
      timeout: redisTimeout.duration, clientName: clientName)
    configuration.certificateAuthorityFile = redisCAFile
    configuration.source = Secret(text)
    return configuration
  }

  /// A client that connects on first use.
  package func makeClient(clientName: String, url: String? = nil) throws(Failure) -> RedisClient {
    RedisClient(try configuration(clientName: clientName, url: url))
  }
}
