import Catalogue
import Core
@testable import DownloaderService
import HTTP
@testable import Kafka
import Logging
import Messages
@testable import ObjectStore
@testable import Pipeline
import Portals
import ServiceKit
import Synchronization
import Testing
import TestSupport
import Values

/// A downloader over a folder store, and what its handler emits.
struct DownloadFixture {
  let store: any ObjectStore
  let downloader: Downloader
  let handler: DownloadHandler
  let health = Health()
  let emitted = Emitted()

  final class Emitted: Sendable {
    private let storage = Mutex<[OutgoingBatch]>([])
    var batches: [OutgoingBatch] { storage.withLock { $0 } }
    func add(_ batch: OutgoingBatch) { storage.withLock { $0.append(batch) } }
  }

  init(
    folder: String, spool: String? = nil, store: (any ObjectStore)? = nil, fileRoot: String? = nil,
    maxFileBytes: Int = 1 << 20,
    giveUpAfter: Duration = .seconds(600), limits: HTTPLimits = HTTPLimits(totalTime: .seconds(60)),
    chains: [Chain] = [], maxRelists: Int = 3, now: String = "2026-01-02T03:04:05Z"
  ) throws {
    self.store = try store ?? FileStore(path: folder)
    var fileLimits = limits
    fileLimits.maxBodyBytes = maxFileBytes
    let client = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowed: [try #require(IPNetwork("127.0.0.1"))]), userAgent: "souk-tests"))
    downloader = try Downloader(
      settings: DownloadSettings(
        limits: fileLimits, fileRoot: fileRoot, spoolDirectory: spool ?? folder,
        giveUpAfter: giveUpAfter, maxRelists: maxRelists),
      client: client, store: self.store,
      portals: PortalAccess(ChainCatalogue(chains), client: client, limits: limits),
      now: { Timestamp(now) ?? .epoch })
    handler = DownloadHandler(
      downloader: downloader, identity: ServiceIdentity(name: "downloader"), giveUpAfter: giveUpAfter,
      readiness: health.readiness("object_store"), logger: Logger(label: "test"),
      now: { Timestamp("2026-01-02T03:04:05Z") ?? .epoch })
  }

  static func file(
    _ url: String, name: String = "PriceFull7290-001-202501200300.gz", chain: String = "7290"
  ) -> FileDiscovered {
    FileDiscovered(
      chain: chain, url: url, timestamp: Timestamp("2026-01-02T03:00:00Z") ?? .epoch, fileName: name,
      fileType: .priceFull, storeID: "1", size: nil, fingerprint: "f",
      fileTime: Timestamp("2025-01-20T03:00:00+02:00"))
  }

  static func job(_ file: FileDiscovered?, raw: [UInt8]? = nil, offset: Int64 = 0, headers: [Header] = []) -> Job {
    let partition = TopicPartition(Topics.filesDiscovered.name, 0)
    return Job(
      topic: partition.topic, partition: 0, offset: offset, timestamp: 0, key: file?.key, value: raw ?? file?.encoded(),
      headers: headers, lease: Lease(partition: partition, epoch: 1))
  }

  func handle(_ job: Job) async throws -> Disposition {
    try await handler.handle(job, emit: Emitter { [emitted] in emitted.add($0) })
  }

  /// The stage and error of a download that fails.
  func failure(_ url: String) async -> (stage: Downloader.Stage, error: any ClassifiedError)? {
    do {
      _ = try await downloader.download(Self.file(url))
      return nil
    } catch let failed as Downloader.Failed {
      return (failed.cause as? any ClassifiedError).map { (failed.stage, $0) }
    } catch {
      return nil
    }
  }
}

/// A store that does not keep its objects.
final class LyingStore: ObjectStore {
  let location: ObjectLocation
  private let answer: @Sendable (ObjectKey) throws -> ObjectInfo?

  init(_ answer: @escaping @Sendable (ObjectKey) throws -> ObjectInfo?) throws {
    location = try ObjectLocation("s3://lies")
    self.answer = answer
  }

  func put(_ body: ObjectBody, at key: ObjectKey, contentType: String) async throws -> ObjectInfo {
    ObjectInfo(key: key, size: body.length)
  }
  func get<T: Sendable>(
    _ key: ObjectKey, _ consume: (ObjectInfo, ObjectReader) async throws -> T
  ) async throws -> T { throw ObjectStoreError(.noSuchKey, "nothing here") }
  func head(_ key: ObjectKey) async throws -> ObjectInfo? { try answer(key) }
  func list(prefix: String, from: String?, limit: Int) async throws -> ObjectPage { ObjectPage(objects: [], next: nil) }
  func delete(_ key: ObjectKey) async throws {}
  func check() async throws {}
  func prepare() async throws {}
  func close() {}
}

extension OutgoingBatch {
  private func slice(_ field: Field) -> [UInt8] { Array(bytes[field.start..<field.start + field.count]) }
  var firstKey: [UInt8] { slice(items[0].key) }
  var firstValue: [UInt8] { slice(items[0].value) }
  var firstHeaders: [Header] { headerSets[items[0].headers] }
}
