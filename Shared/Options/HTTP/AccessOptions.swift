import ArgumentParser
import Core
import HTTP

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
