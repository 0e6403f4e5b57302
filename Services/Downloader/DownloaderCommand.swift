import ArgumentParser
import Catalogue
import Core
import HTTP
import HTTPFlags
import KafkaFlags
import ObjectStoreFlags
import Options
import Pipeline
import Portals
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

  @OptionGroup(title: "Download") var download: DownloadOptions
  @OptionGroup(title: "Fetching") package var http: HTTPOptions
  @OptionGroup(title: "Chains") package var chains: ChainCatalogueOptions
  @OptionGroup(title: "Object store") package var store: ObjectStoreOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics: [MetricDescription] = DownloadMetrics.descriptions + PipelineMetrics.jobs

  package func work(_ needs: Needs) -> Work {
    let (download, http, chains, context) = (download, http, chains, needs.context)
    let consumer = needs.consumer(ServiceCatalogue.downloader, kafka, pipeline)
    let condition = "object_store"
    let store = needs.add(store.need(condition: condition, creates: download.createStore))
    let portals = needs.add(Need(
      "settings",
      open: {
        let settings = try download.settings(http: http)
        let client = try http.makeClient(name: "fetch")
        let access = try PortalAccess(
          ChainCatalogue.load(file: chains.catalogue), client: client, limits: settings.limits)
        return (settings: settings, client: client, access: access)
      },
      check: { _ in "spool \(download.spoolDirectory)" }, close: { $0.client.close() }))
    return consumer.jobs(concurrency: download.concurrency) {
      let (settings, client, access) = try portals.value
      return DownloadHandler(
        downloader: Downloader(settings: settings, client: client, store: try store.value, portals: access),
        identity: consumer.identity, giveUpAfter: settings.giveUpAfter,
        readiness: context.health.readiness(condition), logger: context.logger)
    }
  }
}
