import Catalogue
import Core
import Kafka
import Values

/// Who is at work: goes into headers, dead letters and client ids.
package struct ServiceIdentity: Sendable, Hashable {
  package var name: String
  package var version: String

  package init(name: String, version: String = Souk.version) {
    self.name = name
    self.version = version
  }

  /// The value of the header `souk-produced-by`.
  package var producedBy: String { "\(name)/\(version)" }

  /// The headers of a message with this schema. The trace goes on from `parent` (the consumed record's
  /// `traceparent`, if it had a readable one), else it begins here.
  package func headers(schema: SchemaID, parent: [UInt8]? = nil) -> [Header] {
    [
      Header(HeaderName.schema, schema.name),
      Header(HeaderName.schemaVersion, "\(schema.version)"),
      Header(HeaderName.traceparent, traceParent(continuing: parent)),
      Header(HeaderName.producedBy, producedBy),
    ]
  }

  private func traceParent(continuing parent: [UInt8]?) -> String {
    let trace = parent.flatMap { TraceParent(parsing: $0.span.bytes) }
    return (trace?.child() ?? TraceParent.root()).description
  }
}
