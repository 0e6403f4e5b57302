import Budgets
import Catalogue
import Commodities
import Core
@testable import FetcherService
import HTTP
@testable import Kafka
import Logging
import Messages
@testable import Pipeline
import ServiceKit
import Synchronization
import Testing
import Values

let quiet: Logger = {
  var logger = Logger(label: "test")
  logger.logLevel = .critical
  return logger
}()

/// A fetcher without Kafka: the results and messages of its handler.
struct Stage {
  let catalogue: CommodityCatalogue
  let pool: ProviderPool
  let handler: FetchHandler
  let cache: ResponseCache
  let states: any StateStore
  let emitted = Emitted()
  let health = Health()

  final class Emitted: Sendable {
    private let storage = Mutex<[OutgoingBatch]>([])
    func add(_ batch: OutgoingBatch) { storage.withLock { $0.append(batch) } }
    var observations: [CommodityObservation] {
      get throws {
        try storage.withLock { $0 }.map { batch in
          let field = batch.items[0].value
          return try CommodityObservation(decoding: Array(batch.bytes[field.start..<field.start + field.count]))
        }
      }
    }
  }

  init(
    _ sources: String = "", catalogue whole: CommodityCatalogue? = nil,
    settings: Provider.Settings = Provider.Settings(), states: any StateStore = MemoryStateStore(),
    handler: FetchHandler.Settings = FetchHandler.Settings(), maxChange: Int = 20,
    tokens: (@Sendable (CommoditySource) -> any TokenSource)? = nil,
    now: @escaping @Sendable () -> Timestamp = Timestamp.now
  ) throws {
    let catalogue = try whole ?? Catalogues.load(sources)
    let list = try catalogue.readSources()
    let client = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk-tests", protocols: .http2))
    let cache = ResponseCache(maxBytes: 1 << 20)
    let pool = ProviderPool(
      try list.map { source in
        try Provider(
          source, settings: settings, client: client, tokens: try tokens?(source) ?? LocalTokens(source.limits),
          cache: cache, logger: quiet, now: now)
      }, maxChange: maxChange)
    self.catalogue = catalogue
    self.cache = cache
    self.pool = pool
    self.states = states
    self.handler = FetchHandler(
      jobs: JobReader(catalogue, sources: list), pool: pool, states: states, settings: handler,
      identity: ServiceIdentity(name: "fetcher"), readiness: FetchHandler.Readiness(health), logger: quiet, now: now)
  }

  static func task(
    _ material: String = "PVC", _ country: String? = "Egypt", kind: IngestionTask.Kind = .fetchPrice,
    source: String? = nil, due: String? = nil, deadline: Timestamp? = nil
  ) -> IngestionTask {
    IngestionTask(
      task: kind, material: material, country: country, source: source, jobID: "j1",
      dueAt: due.flatMap { Timestamp($0) }, deadline: deadline)
  }

  static func job(_ value: [UInt8]?, offset: Int64 = 0) -> Job {
    let partition = TopicPartition(Topics.ingestionTasks.name, 0)
    return Job(
      topic: partition.topic, partition: 0, offset: offset, timestamp: 1_767_225_600_000, key: nil, value: value,
      headers: [], lease: Lease(partition: partition, epoch: 1))
  }

  func handle(_ task: IngestionTask) async throws -> Disposition {
    try await handler.handle(Self.job(task.encoded()), emit: Emitter { [emitted] in emitted.add($0) })
  }

  func plan(_ task: IngestionTask) throws -> FetchJob {
    try JobReader(catalogue, sources: catalogue.readSources()).job(task, arrived: .epoch)
  }

  /// The code of a failed attempt.
  func failure(_ task: IngestionTask) async -> String? {
    do {
      let verdict = try await handle(task)
      if case .reject(let rejection) = verdict { return rejection.code }
      return nil
    } catch {
      return (error as? any ClassifiedError)?.code ?? "\(error)"
    }
  }
}
