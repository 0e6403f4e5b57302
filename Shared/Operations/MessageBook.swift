import Catalogue
import Messages

/// What this release makes of the records of a topic.
package struct MessageBook {
  /// A record that can be read.
  package struct Reading: Hashable {
    package var key: [UInt8]
    /// The bytes whose hash picks the partition.
    package var partitionKey: [UInt8]
  }

  /// - Returns: nil for a topic whose form this release does not know.
  /// - Throws: why the value is no message of the topic.
  package static func read(_ topic: String, key: [UInt8]?, value: [UInt8]) throws(DecodingFailure) -> Reading? {
    switch topic {
    case Topics.productsIngest.name:
      var visitor = Passing()
      var decoder = ProductsIngestDecoder()
      try decoder.decode(value.span.bytes, into: &visitor)
      return Reading(key: key ?? [], partitionKey: key ?? [])
    case Topics.promotionsIngest.name:
      var visitor = Passing()
      var decoder = PromotionsIngestDecoder()
      try decoder.decode(value.span.bytes, into: &visitor)
      return Reading(key: key ?? [], partitionKey: key ?? [])
    default:
      guard let type = type(of: topic) else { return nil }
      return try read(type, value)
    }
  }

  private static func read<Record: Message>(_: Record.Type, _ value: [UInt8]) throws(DecodingFailure) -> Reading {
    let record = try Record(decoding: value)
    return Reading(key: record.key, partitionKey: record.partitionKey)
  }

  /// The message of a topic; nil for topics of batches, which are read element by element, and for unknown ones.
  package static func type(of topic: String) -> (any Message.Type)? {
    if let type = types.first(where: { $0.topic.name == topic }) { return type }
    if Topics.commodityObservations.contains(where: { $0.name == topic }) { return CommodityObservation.self }
    if Topics.fetchTasks.contains(where: { $0.name == topic }) { return FetchTask.self }
    if topic == Topics.flowStates.name { return SymbolState.self }
    if topic == Topics.filesExpired.name { return FileDiscovered.self }
    return nil
  }

  private static let types: [any Message.Type] = [
    FileDiscovered.self, FileDownloaded.self, ProductMaster.self, MasterDecision.self, StoresIngest.self,
    FileParsed.self, Alert.self, MarketBar.self, IngestionTask.self, SeriesWindow.self, Prediction.self,
    FeedTick.self, FeedBar.self, FeedGap.self, StockSplit.self, TechnicalSignal.self, OptionChain.self,
    OptionTrade.self, OptionsFlow.self, FeedSubscription.self, BackfillJob.self, BackfillStatus.self,
    NewsArticle.self, SocialPost.self, SentimentEvent.self, Document.self, DocumentChunk.self, BatchJob.self,
    BatchStatus.self, SymbolState.self,
  ]

  /// Reads every element of a batch and keeps none.
  private struct Passing: ProductsIngestVisitor, PromotionsIngestVisitor {
    mutating func header(_ header: IngestHeader) throws(DecodingFailure) {}
    mutating func item(_ item: borrowing ProductsIngestItemView) throws(DecodingFailure) {}
    mutating func promotion(_ promotion: borrowing PromotionView) throws(DecodingFailure) {}
  }
}
