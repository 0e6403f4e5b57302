import Catalogue
import Core

/// A record value of one topic.
///
/// Reading accepts what any version of the schema wrote: unknown fields are skipped, fields that came later are
/// optional. Writing puts every field, in a fixed order, unknown ones as `null`, so that the same message is
/// always the same bytes.
package protocol Message: Hashable, Sendable {
  static var topic: Topic { get }
  /// Its fields, for documents.
  static var shapes: [FieldShape] { get }

  /// - Throws: ``DecodingFailure``; the record can never be read and belongs to the dead letters.
  init(decoding bytes: RawSpan, limits: JSONReader.Limits) throws(DecodingFailure)

  /// Appends the message to what `writer` holds.
  func encode(into writer: inout JSONWriter)

  /// The record key.
  var key: [UInt8] { get }

  /// The bytes whose murmur2 hash picks the partition: records that must keep their order share them.
  var partitionKey: [UInt8] { get }
}

extension Message {
  package init(decoding bytes: [UInt8]) throws(DecodingFailure) {
    try self.init(decoding: bytes.span.bytes, limits: JSONReader.Limits())
  }

  /// The record value on its own.
  package func encoded() -> [UInt8] {
    var writer = JSONWriter()
    encode(into: &writer)
    return writer.array()
  }

  package var partitionKey: [UInt8] { key }
}

/// A message that declares its fields once; see ``FieldwiseObject``.
package protocol FieldwiseMessage: Message, FieldwiseObject {}

extension FieldwiseMessage {
  package init(decoding bytes: RawSpan, limits: JSONReader.Limits = JSONReader.Limits()) throws(DecodingFailure) {
    var coder = try FieldCoder(reading: bytes, limits: limits)
    self = try Self.read(from: &coder)
    try coder.reader.finish()
  }

  package func encode(into writer: inout JSONWriter) { write(to: &writer) }
}
/// The keys that are made of a chain and something within it.
package enum RecordKey {
  /// `chain/part`, in UTF-8.
  package static func bytes(chain: String, _ part: String) -> [UInt8] {
    var key: [UInt8] = []
    key.reserveCapacity(chain.utf8.count + part.utf8.count + 1)
    key += chain.utf8
    key.append(UInt8(ascii: "/"))
    key += part.utf8
    return key
  }
}

/// The last segment of a URL's or object key's path, percent-escapes resolved; nil when it is empty or not UTF-8.
/// Query and fragment do not belong to a path.
func lastPathSegment(of location: String) -> String? {
  let path = location.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
  let start = path.lastIndex(of: UInt8(ascii: "/")).map(path.index(after:)) ?? path.startIndex
  guard start < path.endIndex else { return nil }
  return PercentEncoding.decode(Substring(path[start...]), strict: false)
}
