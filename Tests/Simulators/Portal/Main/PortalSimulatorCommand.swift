import ArgumentParser
import Core
import Options
import PortalSimulator
import SimulatorServer

/// Serves a generated price portal until stopped.
@main
struct PortalSimulatorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "portal-simulator",
    abstract: "A price portal with invented chains, for demos and tests.",
    discussion: """
      Speaks the Bina protocol for every chain under http://<host>:<port>/<prefix>. The catalogue is a function of \
      the seed and the sizes: two runs with equal flags serve equal bytes. Files are made when asked for.
      GET /_portal/sources gives one --source of the crawler per line, ?pages=<protocol> those of a portal that \
      lists on HTML pages (shufersal, carrefour, super-pharm, hazi-hinam, city-market, matrix). With the default \
      sizes the products come to 15 to 20 MB of messages, which an in-memory broker (5 MB per partition) can hold.
      """,
    version: Souk.version)

  @OptionGroup var listen: ListenOptions
  @Option(help: "What the catalogue is drawn from.")
  var seed: UInt64 = 1
  @Option(help: "Chains; the first five differ in dialect, packing, names and listing shape.")
  var chains = 5
  @Option(help: "Stores of each chain.")
  var stores = 3
  @Option(help: "Products of each store, roughly (at most 70000).")
  var items = 2_000
  @Option(help: "Price files after each full file.")
  var rounds = 4
  @Option(help: "The share of a store's prices that move in one round, 0 to 1.")
  var changes = 0.12
  @Option(help: ArgumentHelp("The day of the full files, yyyy-mm-dd, in Israel.", valueName: "day"))
  var day = "2026-08-23"
  @Flag(inversion: .prefixedNo, help: "Publish Stores and PromoFull files too.")
  var sideFiles = true
  @Option(help: "Let one more round of price files appear every so long (e.g. 10s); otherwise all are there at once.")
  var roundInterval: DurationSetting?
  @Option(help: "Rounds there from the start.")
  var firstRounds: Int?
  @Option(help: "The most rows a listing shows.")
  var listingCap = 1_000
  @Option(parsing: .singleValue, help: ArgumentHelp(
    "Misbehave: mode[@target][/prefix][*times] (repeatable). Modes: "
      + Fault.Mode.allCases.map(\.rawValue).joined(separator: ", ") + ". Targets: "
      + Fault.Target.allCases.map(\.rawValue).joined(separator: ", ") + ".", valueName: "fault"))
  var fault: [String] = []

  func validate() throws {
    guard chains > 0, stores > 0, (1...70_000).contains(items), rounds >= 0, listingCap > 0 else {
      throw ValidationError(
        "--chains, --stores, --items (up to 70000) and --listing-cap must be above 0, --rounds 0 or more")
    }
    guard (0...1).contains(changes) else { throw ValidationError("--changes must be between 0 and 1") }
    guard WallTime(day: day) != nil else { throw ValidationError("--day '\(day)' is not a day like 2026-08-23") }
    for text in fault {
      do { _ = try Fault(text: text) } catch { throw ValidationError(error.message) }
    }
  }

  func run() async throws {
    var settings = CatalogueSettings()
    settings.seed = seed
    settings.chains = chains
    settings.stores = stores
    settings.items = items
    settings.rounds = rounds
    settings.changesPerRound = changes
    settings.sideFiles = sideFiles
    settings.day = WallTime(day: day) ?? settings.day
    var options = PortalOptions()
    options.listingCap = listingCap
    options.roundInterval = roundInterval?.duration
    options.firstRounds = firstRounds
    options.faults = try fault.map { try Fault(text: $0) }
    try await PortalSimulator(settings, options: options, server: listen.server("portal-simulator")).run(listen)
  }
}
