import ArgumentParser
import Core
import HTTP
import Options

/// The flags of everything that is fetched from outside.
package struct HTTPOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Longest time for one fetch, redirects included.", valueName: "duration"))
  package var fetchTimeout = DurationSetting(.seconds(300))

  @Option(help: ArgumentHelp("Longest time to look up, connect and shake hands with a host.", valueName: "duration"))
  package var fetchConnectTimeout = DurationSetting(.seconds(10))

  @Option(help: ArgumentHelp(
    "A transfer slower than this many bytes a second for --fetch-slow-after is given up; 0 turns it off.",
    valueName: "size"))
  package var fetchMinSpeed = ByteSize(1024)

  @Option(help: ArgumentHelp(
    "How long a transfer may stay under --fetch-min-speed; the wait for the answer's first byte does not count.",
    valueName: "duration"))
  package var fetchSlowAfter = DurationSetting(.seconds(30))

  @Option(help: ArgumentHelp("Redirects followed for one fetch; 0 follows none.", valueName: "count"))
  package var maxRedirects = 5

  @Option(help: ArgumentHelp(
    "Fetches in flight to one host at a time; 0 is no limit. (default: 8; 32 of a feed's past)", valueName: "count"))
  package var maxFetchesPerHost: Int?

  @OptionGroup package var access: AccessOptions

  package init() {}

  /// - Parameter perHost: fetches in flight to one host, unless the flag says.
  /// - Throws: `Failure(.configuration)` naming the flag.
  package func configuration(name: String, perHost: Int = 8) throws(Failure) -> HTTPConfiguration {
    let maxFetchesPerHost = maxFetchesPerHost ?? perHost
    guard maxRedirects >= 0 else { throw Self.invalid("--max-redirects", "\(maxRedirects)", "0 or more") }
    guard maxFetchesPerHost >= 0 else {
      throw Self.invalid("--max-fetches-per-host", "\(maxFetchesPerHost)", "0 or more")
    }
    for (flag, value) in [
      ("--fetch-timeout", fetchTimeout), ("--fetch-connect-timeout", fetchConnectTimeout),
      ("--fetch-slow-after", fetchSlowAfter),
    ] where value.duration < .seconds(1) {
      throw Self.invalid(flag, "\(value)", "1s or more")
    }
    return try access.configuration(name: name, maxPerOrigin: maxFetchesPerHost)
  }

  /// The limits of one fetch of at most `maxBodyBytes`.
  package func limits(maxBodyBytes: Int) -> HTTPLimits {
    HTTPLimits(
      connectTime: fetchConnectTimeout.duration, totalTime: fetchTimeout.duration, lowSpeed: fetchMinSpeed.bytes,
      lowSpeedTime: fetchSlowAfter.duration, maxBodyBytes: maxBodyBytes, maxRedirects: maxRedirects)
  }

  /// A client with these settings.
  /// - Throws: `Failure(.configuration)`, or `HTTPError` when the certificate file cannot be read.
  package func makeClient(name: String = "http", perHost: Int = 8) throws -> HTTPClient {
    try HTTPClient(configuration(name: name, perHost: perHost))
  }

  static func invalid(_ flag: String, _ value: String, _ expected: String) -> Failure {
    Failure(.configuration, code: "invalid_setting", "\(flag): \(value) is not \(expected)")
  }
}
