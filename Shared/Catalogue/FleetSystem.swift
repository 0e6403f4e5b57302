/// A group of services that serve one purpose and run together.
package enum FleetSystem: String, CaseIterable, Sendable {
  /// Published price files into PostgreSQL.
  case prices
  /// Bars of the Egyptian Exchange into a time series database and an object store.
  case egx
  /// Prices and demands of materials from providers, predictions of them into PostgreSQL.
  case sentinel
  /// Market feeds into the hot store and the archive.
  case lambda

  /// The profiles of compose that start it: its name, and the one that users of the ingestion layer type.
  package var profiles: [String] { self == .lambda ? [rawValue, "ingestion"] : [rawValue] }

  /// In the order the data flows; of services whose kinds belong to several systems, the kinds of this one.
  package var services: [ServiceEntry] {
    ServiceCatalogue.all.flatMap(\.parts).filter { $0.systems.contains(self) }
  }

  /// What one of its services reads here: of its inputs, those that a service of this system fills.
  package func inputs(of service: ServiceEntry) -> [Topic] {
    service.inputs.filter { topic in services.contains { $0.outputs.contains(topic) } }
  }
}
