import Catalogue
import Values

/// Promotions of one store, in the order of their file.
///
/// `gogobe.promotions.ingest`, key and order `chain/store_id`. A promotion is never split over two messages: it
/// carries all its items. The batches of one file are numbered from 0; the last of them says so, which is when a
/// reader that saw all of them knows every promotion of the file. A file without promotions gives no batch.
///
/// This form holds everything in values of its own, for tests and tools; the hot paths are
/// ``PromotionsIngestWriter`` and ``PromotionsIngestDecoder``, which this one is written and read with.
package struct PromotionsIngest: Message {
  package static let maxPromotions = 500

  package typealias Header = IngestHeader

  package var header: Header
  package var promotions: [Promotion]

  package static let topic = Topics.promotionsIngest

  package var key: [UInt8] { RecordKey.bytes(chain: header.chain, header.storeID) }

  /// - Precondition: at most 500 promotions.
  package func encode(into writer: inout JSONWriter) {
    precondition(promotions.count <= Self.maxPromotions, "a batch holds at most 500 promotions")
    var batch = PromotionsIngestWriter(header: header, maxBytes: .max)
    for promotion in promotions { batch.append(promotion) }
    writer.raw(batch.finish(isLast: header.isLast, alsoNamed: header.alsoNamed))
  }
}

extension PromotionsIngest {
  package init(decoding bytes: RawSpan, limits: JSONReader.Limits = JSONReader.Limits()) throws(DecodingFailure) {
    var decoder = PromotionsIngestDecoder(limits: limits)
    var collector = Collector()
    try decoder.decode(bytes, into: &collector)
    guard let header = collector.header else {
      throw DecodingFailure(
        .missingField, at: bytes.byteCount, "a required field is missing or null", field: "promotions")
    }
    self.init(header: header, promotions: collector.promotions)
  }

  private struct Collector: PromotionsIngestVisitor {
    var header: Header?
    var promotions: [Promotion] = []

    mutating func header(_ header: IngestHeader) { self.header = header }
    mutating func promotion(_ view: borrowing PromotionView) { promotions.append(Promotion(copying: view)) }
  }
}
