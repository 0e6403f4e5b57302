import ArgumentParser
import Catalogue
import Core
import Logging
import Masters
import Messages
import ObjectStore
import ObjectStoreFlags
import PriceFiles
import Synchronization
@testable import TestSupport
import Values

@testable import Kafka
@testable import ParserService
@testable import Pipeline

/// A handler over a real store in a folder; what it emits is kept.
struct HandlerBench {
  struct Parsed {
    var disposition: Disposition
    var values: [[UInt8]]
    var keys: [String]
    var headers: [[Header]]
    var messages: [ProductsIngest]
    var batches: Int
    var promotions: [PromotionsIngest] = []
    var stores: [StoresIngest] = []
    var parsed: [FileParsed] = []
    var alerts: [Alert] = []
    var masters: [ProductMaster] = []
    /// Topics in the order of their records.
    var topics: [String] = []

    var items: [ProductsIngest.Item] { messages.flatMap(\.items) }
  }

  let store: any ObjectStore
  let handler: ParseHandler
  /// nil without `masters`, and with those that are off.
  let index: MasterIndex?
  let name = "PriceFull7290058140886-029-202310021200.gz"

  /// - Parameters:
  ///   - masters: of `--masters`.
  ///   - models: of `--match-models`, a folder.
  init(
    folder: String, heldOutput: Int = 32 << 20, history: RowHistory = RowHistory(),
    masters: MatchMode = .off, models: MatchModels? = nil
  ) async throws {
    var flags = ObjectStoreOptions()
    flags = try ObjectStoreOptions.parse(["--object-store", "file://\(folder)"])
    store = try flags.makeStore()
    try await store.prepare()
    let options = try ParserOptions.parse(
      ["--held-output-size", "\(heldOutput)", "--masters", masters.rawValue]
        + (models == nil ? [] : ["--match-models", "file:///unused"]))
    index = options.makeIndex()
    handler = ParseHandler(
      store: store, history: history, options: options, identity: ServiceIdentity(name: "parser"),
      zone: try ZoneTable(identifier: PriceFileName.zoneIdentifier), masters: index, models: models,
      logger: Logger(label: "test"),
      now: { Timestamp(microseconds: 1_700_000_100_000_000) ?? .epoch })
  }

  /// Stores `bytes` and returns their URL.
  func put(_ bytes: [UInt8]) async throws -> String {
    let key = try ObjectKey("files/\(SHA256.hash(bytes).hex.prefix(16))-\(name)")
    _ = try await store.put(ObjectBody(bytes), at: key, contentType: "application/octet-stream")
    return store.location.url(of: key)
  }

  func parse(
    _ bytes: [UInt8], sha256: SHA256Digest? = nil, headers: [Header] = [],
    fileName: String? = nil, type: FileType? = .priceFull,
    emit: (@Sendable (OutgoingBatch) async throws -> Void)? = nil
  ) async throws -> Parsed {
    let message = FileDownloaded(
      chain: "rami_levy", s3Path: try await put(bytes), localPath: nil, fileName: fileName ?? name, fileType: type,
      storeID: "29", fileTime: Timestamp("2023-10-02T12:00:00+03:00"),
      sha256: (sha256 ?? SHA256.hash(bytes)).hex, bytes: Int64(bytes.count))
    return try await handle(value: message.encoded(), headers: headers, emit: emit)
  }

  func handle(_ message: FileDownloaded) async throws -> Parsed { try await handle(value: message.encoded()) }

  func handle(
    value: [UInt8]?, headers: [Header] = [], emit: (@Sendable (OutgoingBatch) async throws -> Void)? = nil
  ) async throws -> Parsed {
    let sent = Mutex<[OutgoingBatch]>([])
    let job = Job(
      topic: Topics.filesDownloaded.name, partition: 0, offset: 0, timestamp: 1_700_000_000_000,
      key: Array("rami_levy/29".utf8), value: value, headers: headers,
      lease: Lease(partition: TopicPartition(Topics.filesDownloaded.name, 0), epoch: 1))
    let keep: @Sendable (OutgoingBatch) async throws -> Void = { batch in sent.withLock { $0.append(batch) } }
    let disposition = try await handler.handle(job, emit: Emitter(send: emit ?? keep))
    let batches = sent.withLock { $0 }
    var parsed = Parsed(
      disposition: disposition, values: [], keys: [], headers: [], messages: [], batches: batches.count)
    for batch in batches {
      for item in batch.items {
        func bytes(_ field: OutgoingBatch.Field) -> [UInt8] {
          Array(batch.bytes[field.start..<(field.start + max(0, field.count))])
        }
        let topic = batch.topics[item.topic]
        parsed.topics.append(topic)
        switch topic {
        case Topics.productsIngest.name: break
        case Topics.promotionsIngest.name: parsed.promotions.append(try PromotionsIngest(decoding: bytes(item.value)))
        case Topics.storesIngest.name: parsed.stores.append(try StoresIngest(decoding: bytes(item.value)))
        case Topics.productsMasters.name: parsed.masters.append(try ProductMaster(decoding: bytes(item.value)))
        case Topics.filesParsed.name: parsed.parsed.append(try FileParsed(decoding: bytes(item.value)))
        default: parsed.alerts.append(try Alert(decoding: bytes(item.value)))
        }
        guard topic == Topics.productsIngest.name else { continue }
        parsed.values.append(bytes(item.value))
        parsed.keys.append(String(decoding: bytes(item.key), as: UTF8.self))
        parsed.headers.append(item.headers < 0 ? [] : batch.headerSets[item.headers])
        parsed.messages.append(try ProductsIngest(decoding: bytes(item.value)))
      }
    }
    return parsed
  }
}
