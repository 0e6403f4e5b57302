import ArgumentParser
import Glibc
import HTTP
import Kafka
import Logging
import ObjectStore
import Pipeline
import Portals
import Runtime
import Schemas
import ServiceKit

/// `downloader`: fetches announced files into the object store.
package struct DownloaderCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.downloader.name,
    abstract: "Fetches announced price files into the object store.",
    discussion: """
      Reads \(Topics.filesDiscovered.name), writes \(Topics.filesDownloaded.name). A file's object is named by its \
      content, so fetching it again changes nothing. A file whose link has expired goes back to the crawler by \
      \(Topics.filesExpired.name).
      """,
    version: Souk.version)

  @OptionGroup(title: "Download") package var download: DownloadOptions
  @OptionGroup(title: "Fetching") package var http: HTTPOptions
  @OptionGroup(title: "Chains") package var chains: ChainCatalogueOptions
  @OptionGroup(title: "Object store") package var store: ObjectStoreOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics: [MetricDescription] = DownloadMetrics.descriptions + PipelineMetrics.jobs

  package func check(_ report: CheckReport) async {
    let logger = Logger(label: Self.configuration.commandName ?? "")
    let kafka = kafka
    let topics = (ServiceCatalogue.downloader.inputs + ServiceCatalogue.downloader.outputs).map(\.name)
    await report.probe("kafka") {
      try await kafka.check(clientID: ServiceCatalogue.downloader.name, topics: topics, logger: logger)
    }
    let options = store
    let creates = download.createStore
    await report.probe("object store") {
      let store = try options.makeStore()
      defer { store.close() }
      if creates { try await store.prepare() } else { try await store.check() }
      return "\(store.location)"
    }
    let download = download
    let http = http
    let chains = chains
    await report.probe("settings") {
      let settings = try download.settings(http: http)
      let client = try http.makeClient()
      defer { client.close() }
      _ = try PortalAccess(chains.load(), client: client, limits: settings.limits)
      return "spool \(download.spoolDirectory)"
    }
  }

  package func run(in context: ServiceContext) async throws {
    let settings = try download.settings(http: http)
    let store = try store.makeStore()
    let client = try http.makeClient(name: "fetch")
    defer {
      store.close()
      client.close()
    }
    let readiness = context.health.readiness("object_store")
    guard try await awaitStore(store, readiness, context) else { return }
    let portals = try PortalAccess(chains.load(), client: client, limits: settings.limits)
    let downloader = Downloader(settings: settings, client: client, store: store, portals: portals)
    let handler = DownloadHandler(
      downloader: downloader, identity: ServiceIdentity(name: ServiceCatalogue.downloader.name),
      giveUpAfter: settings.giveUpAfter, readiness: readiness, logger: context.logger)
    try await ConsumerService(
      entry: ServiceCatalogue.downloader, kafka: kafka, pipeline: pipeline, context: context
    ).run(concurrency: settings.concurrency, handler)
  }

  /// Nothing is consumed before the store has answered once: a wrong bucket or password must stop the service
  /// before it works, not after.
  /// - Returns: false when the service was asked to drain first.
  private func awaitStore(
    _ store: any ObjectStore, _ readiness: ReadinessCondition, _ context: ServiceContext
  ) async throws -> Bool {
    var backoff = pipeline.backoff
    while !context.drain.isRaised {
      do {
        if download.createStore { try await store.prepare() } else { try await store.check() }
        readiness.set(ready: true)
        context.logger.info("object store ready", metadata: ["location": "\(store.location)"])
        return true
      } catch let error where ErrorClass(of: error) == .transient {
        readiness.failed(error)
        context.logger.warning("waiting for the object store", metadata: ["reason": "\(error)"])
        _ = await context.drain.sleep(for: backoff.next())
      }
    }
    return false
  }
}
