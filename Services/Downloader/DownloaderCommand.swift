import ArgumentParser
import Catalogue
import Core
import Glibc
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

/// The downloader's own flags.
struct DownloadOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Files fetched at the same time.", valueName: "count"))
  var concurrency = 16

  @Option(help: ArgumentHelp("Larger files are dead-lettered.", valueName: "size"))
  var maxFileSize = ByteSize.mib(256)

  @Option(help: ArgumentHelp(
    "Folder that file: URLs may point into; without it they are refused (for local runs).", valueName: "path"))
  var allowFileRoot: String?

  @Option(help: ArgumentHelp("Folder for unnamed temporary files between fetch and upload.", valueName: "path"))
  var spoolDirectory = "/tmp"

  @Option(help: ArgumentHelp(
    "Dead-letter the files of a portal that has only failed for this long, so that a dead portal does not delay the "
      + "others. (default: never)", valueName: "duration"))
  var giveUpAfter: DurationSetting?

  @Option(help: ArgumentHelp(
    "How often a file whose link has expired goes back to be listed again before it is dead-lettered.",
    valueName: "count"))
  var maxRelists = 3

  @Option(help: ArgumentHelp(
    "Interrupted transfers that are kept to be resumed.", valueName: "count"))
  var partialFiles = 64

  @Flag(inversion: .prefixedNo, help: "Create the bucket or folder when it is missing.")
  var createStore = true

  func settings(http: HTTPOptions) throws(Failure) -> DownloadSettings {
    guard (1...1024).contains(concurrency) else { throw invalid("--concurrency: \(concurrency) is not 1 to 1024") }
    guard (0...100).contains(maxRelists) else { throw invalid("--max-relists: \(maxRelists) is not 0 to 100") }
    guard (1...10_000).contains(partialFiles) else {
      throw invalid("--partial-files: \(partialFiles) is not 1 to 10000")
    }
    guard maxFileSize.bytes > 0 else { throw invalid("--max-file-size: 0 would refuse every file") }
    guard access(spoolDirectory, W_OK | X_OK) == 0 else {
      throw invalid("--spool-directory: cannot write to \(spoolDirectory): \(String(cString: strerror(errno)))")
    }
    var root: String?
    if let allowFileRoot {
      guard let resolved = realpath(allowFileRoot, nil) else {
        throw invalid("--allow-file-root: \(allowFileRoot): \(String(cString: strerror(errno)))")
      }
      root = String(cString: resolved)
      free(resolved)
    }
    var limits = http.limits(maxBodyBytes: maxFileSize.bytes)
    limits.bufferBytes = Self.bufferBytes(concurrency: concurrency)
    return DownloadSettings(
      limits: limits, fileRoot: root,
      spoolDirectory: spoolDirectory, concurrency: concurrency, giveUpAfter: giveUpAfter?.duration,
      maxRelists: maxRelists, partialFiles: partialFiles)
  }

  /// Buffer of one transfer in bytes: together about 8 MiB, held up to four times between the socket and the disk, so
  /// that memory is bounded for every `--concurrency`.
  static func bufferBytes(concurrency: Int) -> Int { min(1 << 20, max(16 << 10, (8 << 20) / concurrency)) }

  private func invalid(_ message: String) -> Failure {
    Failure(.configuration, code: "invalid_setting", message)
  }
}

/// The validated settings.
package struct DownloadSettings: Sendable {
  /// Of one fetch: a body has at most the size of the largest file.
  package var limits = HTTPLimits(maxBodyBytes: 256 << 20)
  /// Absolute, symbolic links resolved.
  package var fileRoot: String?
  package var spoolDirectory = "/tmp"
  package var concurrency = 16
  /// nil: never.
  package var giveUpAfter: Duration?
  package var maxRelists = 3
  package var partialFiles = 64
}
