/// A group of services that serve one purpose and run together.
package enum FleetSystem: String, CaseIterable, Sendable {
  /// Published price files into PostgreSQL.
  case prices

  /// In the order the data flows.
  package var services: [ServiceEntry] {
    switch self {
    case .prices: [ServiceCatalogue.crawler, ServiceCatalogue.downloader, ServiceCatalogue.parser,
                   ServiceCatalogue.dbWriter]
    }
  }
}
