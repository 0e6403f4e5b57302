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

/// The flags of how hosts outside are reached, whatever is fetched from them.
package struct AccessOptions: ParsableArguments {
  @Flag(inversion: .prefixedNo, help: """
    Fetch from loopback, private, link-local and other addresses that are not on the public Internet. Off, \
    because listings are written by others and could point into the own network.
    """)
  package var allowPrivateAddresses = false

  @Option(parsing: .singleValue, help: ArgumentHelp(
    "A network that may be fetched from although it is private, e.g. 10.1.0.0/16 (repeatable).", valueName: "cidr"))
  package var allowNetwork: [String] = []

  @Option(help: ArgumentHelp("What to send as User-Agent.", valueName: "text"))
  package var fetchUserAgent = "Mozilla/5.0 (compatible; souk/\(Souk.version))"

  @Option(help: ArgumentHelp(
    "Forward proxy, http://host:port. It then has to refuse private addresses itself.", valueName: "url"))
  package var fetchProxy: String?

  @Option(help: ArgumentHelp(
    "PEM file of the certificate authorities to trust instead of the system's.", valueName: "path"))
  package var fetchCAFile: String?

  package init() {}

  /// - Parameters:
  ///   - maxPerOrigin: requests in flight to one origin; 0 is no limit.
  ///   - protocols: the versions of HTTP that may be used.
  /// - Throws: `Failure(.configuration)` naming the flag.
  package func configuration(
    name: String, maxPerOrigin: Int, protocols: HTTPConfiguration.Protocols = .http1
  ) throws(Failure) -> HTTPConfiguration {
    var networks: [IPNetwork] = []
    for text in allowNetwork {
      guard let network = IPNetwork(text) else {
        throw HTTPOptions.invalid("--allow-network", text, "an address or a CIDR block such as 10.1.0.0/16")
      }
      networks.append(network)
    }
    if let fetchProxy, !fetchProxy.hasPrefix("http://"), !fetchProxy.hasPrefix("https://") {
      throw HTTPOptions.invalid("--fetch-proxy", "the value", "http://host:port")
    }
    return HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: allowPrivateAddresses, allowed: networks), userAgent: fetchUserAgent,
      certificateAuthorityFile: fetchCAFile, proxy: fetchProxy, maxPerOrigin: maxPerOrigin, protocols: protocols,
      name: name)
  }
}
