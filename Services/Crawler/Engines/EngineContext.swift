import HTTP
import Logging
import Portals
import Runtime

/// What an engine is made from: its chain's row, and the means to ask the portal.
package struct EngineContext: Sendable {
  package var chain: Chain
  /// What logs and metrics call the source; the chain's slug, or a host where there is none.
  package var label: String
  /// Files are announced under the chain's slug; nil: under the chain id in each file's name.
  package var chainName: String?
  /// Asks for listings: paced, repeated while the portal is unwell, with what the portal sent before to compare.
  package var listings: ListingClient
  package var limits: EngineLimits
  package var zone: ZoneTable
  package var logger: Logger

  package init(
    chain: Chain, label: String? = nil, chainName: String?, listings: ListingClient, limits: EngineLimits,
    zone: ZoneTable, logger: Logger
  ) {
    self.chain = chain
    self.label = label ?? chain.slug
    self.chainName = chainName
    self.listings = listings
    self.limits = limits
    self.zone = zone
    var logger = logger
    logger[metadataKey: "source"] = "\(self.label)"
    self.logger = logger
  }

  /// The portal's address, ending in a slash, so that relative references stay below it.
  /// - Throws: a configuration `Failure` when the locator is no http(s) address.
  package func base() throws(Failure) -> HTTPURL {
    do {
      return try HTTPURL(chain.locator.hasSuffix("/") ? chain.locator : chain.locator + "/")
    } catch {
      throw Failure(.configuration, code: "bad_source", "\(label): '\(chain.locator)' is no usable address: \(error)")
    }
  }

  /// The row's option of this name, or its default.
  package func option(_ name: String, default value: String) -> String { chain.options[name] ?? value }
}

/// What bounds one pass over a portal, whatever its engine.
package struct EngineLimits: Sendable {
  /// The most rows one listing shows, for portals that cut silently; an answer with as many is taken to be cut.
  package var rowCap = 1_000
  /// An answer with more rows is refused.
  package var maxRows = 100_000
  /// Requests of one pass.
  package var maxRequests = 2_000
  /// Days that are asked for, back from today, where a portal lists by day.
  package var days = 2

  package init() {}
}
