/// The names of the Kafka record headers. Values are UTF-8 text.
package enum HeaderName {
  /// Schema name, such as `gogobe.products.ingest`.
  package static let schema = "souk-schema"
  /// Schema version in decimal, such as `1`.
  package static let schemaVersion = "souk-schema-version"
  /// W3C Trace Context, see ``TraceParent``.
  package static let traceparent = "traceparent"
  /// `<service>/<version>` of the producer, such as `parser/1.0.0`.
  package static let producedBy = "souk-produced-by"

  /// How often this file's link had expired before, in decimal; absent for 0. A crawler that announces the file
  /// again after `gogobe.files.expired` passes it on.
  package static let attempt = "souk-attempt"
  /// Why a record was sent back, such as `http_403`.
  package static let reason = "souk-reason"

  // Added to a dead letter, beside the headers of the original.

  /// `transient`, `data`, `configuration` or `fatal`.
  package static let errorClass = "souk-error-class"
  /// Stable `snake_case` code, such as `malformed_json`.
  package static let errorCode = "souk-error-code"
  /// For people; holds no payload.
  package static let errorMessage = "souk-error-message"
  package static let service = "souk-service"
  package static let serviceVersion = "souk-service-version"
  /// The step of the service that refused the record, such as `decode`.
  package static let stage = "souk-stage"
  /// Where the original was read.
  package static let topic = "souk-topic"
  package static let partition = "souk-partition"
  package static let offset = "souk-offset"
  /// The original's Kafka timestamp, milliseconds since the epoch.
  package static let timestamp = "souk-timestamp"

  // Only of a dead letter that would be too large with all of its original.

  /// What of the original is left out or shortened: some of `value,headers,key`.
  package static let cut = "souk-cut"
  /// The length of the whole value, in decimal.
  package static let valueBytes = "souk-value-bytes"
  /// Of the whole value, 64 hexadecimal digits.
  package static let valueSHA256 = "souk-value-sha256"

  /// The headers that a dead letter adds.
  package static let deadLetter = [
    errorClass, errorCode, errorMessage, service, serviceVersion, stage, topic, partition, offset, timestamp,
  ]
  /// Those of one that is cut, besides.
  package static let cutLetter = [cut, valueBytes, valueSHA256]
}
