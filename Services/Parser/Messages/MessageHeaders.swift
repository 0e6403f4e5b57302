import Kafka
import Pipeline
import Schemas

/// The headers of the messages of one file.
struct MessageHeaders: Sendable {
  var products: [Header] = []
  var masters: [Header] = []
  var promotions: [Header] = []
  var stores: [Header] = []
  var parsed: [Header] = []
  var alerts: [Header] = []

  /// No headers, for benchmarks.
  init() {}

  /// - Parameter parent: the `traceparent` of the consumed record.
  init(_ identity: ServiceIdentity, parent: [UInt8]?) {
    products = identity.headers(schema: Topics.productsIngest.schema, parent: parent)
    masters = identity.headers(schema: Topics.productsMasters.schema, parent: parent)
    promotions = identity.headers(schema: Topics.promotionsIngest.schema, parent: parent)
    stores = identity.headers(schema: Topics.storesIngest.schema, parent: parent)
    parsed = identity.headers(schema: Topics.filesParsed.schema, parent: parent)
    alerts = identity.headers(schema: Topics.alerts.schema, parent: parent)
  }
}
