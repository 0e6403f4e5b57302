import Catalogue
import Kafka
import Pipeline

/// The headers of the messages of one file.
struct MessageHeaders: Sendable {
  var products: [Header] = []
  var masters: [Header] = []
  var promotions: [Header] = []
  var stores: [Header] = []
  var parsed: [Header] = []
  var alerts: [Header] = []

  /// Version of the model that said which products the rows are.
  static let model = "souk-match-model"

  /// No headers, for benchmarks.
  init() {}

  /// - Parameters:
  ///   - parent: the `traceparent` of the consumed record.
  ///   - model: version of the model that says which products the rows are.
  init(_ identity: ServiceIdentity, parent: [UInt8]?, model: String? = nil) {
    products = identity.headers(schema: Topics.productsIngest.schema, parent: parent)
    masters = identity.headers(schema: Topics.productsMasters.schema, parent: parent)
    if let model {
      for headers in [\MessageHeaders.products, \.masters] {
        self[keyPath: headers].append(Header(Self.model, Array(model.utf8)))
      }
    }
    promotions = identity.headers(schema: Topics.promotionsIngest.schema, parent: parent)
    stores = identity.headers(schema: Topics.storesIngest.schema, parent: parent)
    parsed = identity.headers(schema: Topics.filesParsed.schema, parent: parent)
    alerts = identity.headers(schema: Topics.alerts.schema, parent: parent)
  }
}
