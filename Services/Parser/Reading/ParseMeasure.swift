import Kafka
import ObjectStore
import PriceFiles
import Runtime
import Schemas

/// The parser's work on one file without anything around it, for measuring: from packed bytes to messages.
package struct ParseMeasure: Sendable {
  private let zone: ZoneTable

  package init(zone: ZoneTable) { self.zone = zone }

  /// - Returns: how many messages the file gives.
  package func messages(of packed: [UInt8]) throws -> Int {
    let message = FileDownloaded(
      chain: "measured", s3Path: nil, localPath: "/", fileName: "PriceFull7290058140886-029-202310021200.gz")
    let file = try FileToParse(message, sha256: SHA256.hash([]), recordTime: nil, zone: zone)
    let reading = FileReading(
      file, headers: MessageHeaders(), limits: PriceFileLimits(), maxItems: ProductsIngest.maxItems,
      mode: .holding(.max),
      encoding: nil, zone: zone)
    if try reading.feed(packed) == .restart { return 0 }
    return try reading.finish()?.messageCount ?? 0
  }
}
