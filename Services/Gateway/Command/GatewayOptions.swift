import ArgumentParser
import Core
import HTTP
import Logging
import Markets
import Messages
import Options

/// The flags of the door and of what stands behind it.
package struct GatewayOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Port of the API; 0 picks a free one, which the log line 'serving' names."))
  package var apiPort: UInt16 = 8000

  @Option(help: ArgumentHelp("Address that the API listens on.", valueName: "address"))
  package var apiHost = "127.0.0.1"

  @Option(help: ArgumentHelp(
    "YAML file of bearer tokens and what they may do; without it anyone may read, and no one change anything.",
    valueName: "path"))
  package var tokensFile: String?

  @Option(help: ArgumentHelp(
    "CSV file of the splits that bars are adjusted by: symbol,execution_date,split_from,split_to; default: those of "
      + "market-splits.", valueName: "path"))
  package var splitsFile: String?

  @Option(help: ArgumentHelp("Requests of one client in a second; 0 for no limit.", valueName: "count"))
  package var rateLimit = 0

  @Option(parsing: .singleValue, help: ArgumentHelp(
    "Origin whose pages may read answers in a browser (repeatable); * for all.", valueName: "origin"))
  package var corsOrigin: [String] = []

  @Option(help: ArgumentHelp("A last tick that is older is said to be stale.", valueName: "duration"))
  package var staleAfter = DurationSetting(.seconds(60))

  @Option(help: ArgumentHelp("Clients that may listen to live events at once.", valueName: "count"))
  package var maxListeners = 500

  @Option(help: ArgumentHelp("Events that may wait for one client that listens.", valueName: "count"))
  package var listenerBacklog = 5_000

  @Option(help: ArgumentHelp("Live events that are kept for clients that come back.", valueName: "count"))
  package var eventHistory = 20_000

  @Option(help: ArgumentHelp(
    "Whether there is a Kafka; without it the API answers out of Redis alone.", valueName: "true|false"))
  package var kafkaEnabled = true

  @Option(help: ArgumentHelp(
    "Whether there is a Dask; without it the state of its cluster is not asked for.", valueName: "true|false"))
  package var daskEnabled = false

  @Option(help: ArgumentHelp("The scheduler of Dask.", valueName: "tcp://host:port"))
  package var daskSchedulerAddress = "tcp://localhost:8786"

  @Option(help: ArgumentHelp(
    "The HTTP server of the scheduler (default: port 8787 of its host).", valueName: "url"))
  package var daskDashboardURL: String?

  @Option(help: ArgumentHelp("Workers of Dask that there should be, for the status; 0: not said.", valueName: "count"))
  package var daskNWorkers = 0

  @Option(help: ArgumentHelp(
    "Whether the object store has views of the batch layer; without it all answers are live.", valueName: "true|false"))
  package var viewsEnabled = false

  @Option(help: ArgumentHelp("How long an answer may be of a batch run that was replaced.", valueName: "duration"))
  package var viewsRefresh = DurationSetting(.seconds(10))

  @Option(help: ArgumentHelp("Memory for rows of the batch layer.", valueName: "size"))
  package var viewsCache = ByteSize.mib(64)

  package init() {}

  package func validate() throws {
    guard rateLimit >= 0, maxListeners > 0, listenerBacklog > 0, eventHistory >= 0 else {
      throw ValidationError(
        "--max-listeners and --listener-backlog must be above 0, --rate-limit and --event-history not below")
    }
    guard staleAfter.duration > .zero, viewsRefresh.duration > .zero else {
      throw ValidationError("--stale-after and --views-refresh must be above 0")
    }
    guard daskNWorkers >= 0 else { throw ValidationError("--dask-n-workers must not be below 0") }
    if daskEnabled, daskDashboardURL == nil, DaskWatch.dashboard(of: daskSchedulerAddress) == nil {
      throw ValidationError("--dask-scheduler-address: '\(daskSchedulerAddress)' is not like tcp://dask-scheduler:8786")
    }
  }

  /// nil without Dask.
  func dask(_ logger: Logger) throws -> DaskWatch? {
    guard daskEnabled, let url = daskDashboardURL ?? DaskWatch.dashboard(of: daskSchedulerAddress) else { return nil }
    let address: HTTPURL
    do { address = try HTTPURL(url) } catch {
      throw Failure(.configuration, code: "invalid_setting", "--dask-dashboard-url: \(error.message)")
    }
    return try DaskWatch(dashboard: address, expected: daskNWorkers == 0 ? nil : daskNWorkers, logger: logger)
  }

  /// By symbol; nil without a file.
  func splits() throws(Failure) -> [String: [StockSplit]]? {
    guard let splitsFile else { return nil }
    let splits = try SplitFile.read(splitsFile, knownNs: WallClock.milliseconds() * 1_000_000)
    return Dictionary(grouping: splits) { $0.symbol }
  }

  func access(_ logger: Logger) throws(Failure) -> Access {
    guard let tokensFile else { return .open }
    return try Access(file: tokensFile, logger: logger)
  }
}
