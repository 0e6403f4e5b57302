import Catalogue
import Core
import Kafka
import ServiceKit
import Values

/// Who is at work: goes into headers, dead letters and client ids.
package struct ServiceIdentity: Sendable {
  package var name: String
  package var version: String
  private let tracer: Tracer?

  package init(name: String, version: String = Souk.version, tracer: Tracer? = nil) {
    self.name = name
    self.version = version
    self.tracer = tracer
  }

  /// The value of the header `souk-produced-by`.
  package var producedBy: String { "\(name)/\(version)" }

  /// The headers of a message with this schema. The trace goes on from `parent` (the consumed record's
  /// `traceparent`, if it had a readable one), else it begins here.
  package func headers(schema: SchemaID, parent: [UInt8]? = nil) -> [Header] {
    [
      Header(HeaderName.schema, schema.name),
      Header(HeaderName.schemaVersion, "\(schema.version)"),
      Header(HeaderName.traceparent, trace(of: schema, continuing: parent).bytes),
      Header(HeaderName.producedBy, producedBy),
    ]
  }

  private func trace(of schema: SchemaID, continuing parent: [UInt8]?) -> TraceParent {
    let parent = parent.flatMap { TraceParent(parsing: $0.span.bytes) }
    return tracer?.create(schema.name, parent: parent) ?? parent?.child() ?? TraceParent.root()
  }
}
