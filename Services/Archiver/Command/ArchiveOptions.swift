import Archiving
import ArgumentParser
import Core
import ObjectStore
import ObjectStoreFlags
import Options

/// What is archived, and where the catalogue of it lies: the same for the service and its subcommands.
struct ArchiveOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Topics to archive, separated by commas (default: all that have a mapping).",
                             valueName: "list"))
  var topics: String?

  @Option(parsing: .singleValue, help: ArgumentHelp(
    "Mapping of a topic (repeatable): topic=T,dataset=D,prefix=P,time=FIELD|record,symbol=FIELD|key,zone=Z; what is "
      + "not said of a known topic is as the README says.", valueName: "mapping"))
  var map: [String] = []

  @Option(help: ArgumentHelp("Folder of the catalogue, in the same store.", valueName: "path"))
  var catalogue = "_catalogue"

  /// - Throws: `Failure(.configuration)`.
  func mappings() throws(Failure) -> [ArchiveMapping] {
    let names = (topics ?? "").split(separator: ",").map(String.init)
    return try ArchiveMapping.of(topics: names, given: map, catalogue: catalogue)
  }

  /// The mapping of one dataset.
  /// - Throws: `Failure(.configuration)` that names those there are.
  func mapping(of dataset: String) throws(Failure) -> ArchiveMapping {
    let mappings = try mappings()
    guard let mapping = mappings.first(where: { $0.dataset == dataset }) else {
      throw Failure(
        .configuration, code: "archive_dataset_unknown",
        "there is no dataset '\(dataset)'; there are \(mappings.map(\.dataset).joined(separator: ", "))")
    }
    return mapping
  }

  /// Opens the catalogue for one command.
  func withCatalogue<T>(_ store: ObjectStoreOptions, _ body: (ArchiveCatalogue) async throws -> T) async throws -> T {
    let store = try store.makeStore()
    defer { store.close() }
    return try await body(ArchiveCatalogue(store, folder: catalogue))
  }
}

/// When objects go to colder tiers, and how the catalogue is kept.
struct KeepingOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "From which age, by the date of its records, an object lies in which tier, as 90d=Cool,730d=Archive; auto: "
      + "730d=Archive on Azure, 730d=GLACIER on S3, off for folders; off: everything stays.",
    valueName: "age=tier,..."))
  var tiers = "auto"

  @Option(help: ArgumentHelp("How often tiers are looked at.", valueName: "time"))
  var tierInterval = DurationSetting(.seconds(3_600))

  @Option(help: ArgumentHelp(
    "How often what was stored is merged into the catalogue, and restores are looked at.", valueName: "time"))
  var catalogueInterval = DurationSetting(.seconds(60))

  @Option(help: ArgumentHelp(
    "How long what was merged is kept beside it, longer than a suspended owner sleeps.", valueName: "time"))
  var catalogueGrace = DurationSetting(.seconds(600))

  @Option(help: ArgumentHelp("How soon another archiver takes over the catalogue and the tiers.", valueName: "time"))
  var leaseTimeout = DurationSetting(.seconds(30))

  @Option(help: ArgumentHelp(
    "How long no account can delete or change what is stored, from then on, as 2557d: Object Lock of S3 in compliance "
      + "mode, or a locked policy of Azure (default: as the bucket or container says).", valueName: "time"))
  var objectLock: DurationSetting?

  func validate() throws {
    guard (objectLock?.duration ?? .seconds(1)) > .zero else { throw ValidationError("--object-lock is above zero") }
    guard tierInterval.duration > .zero, catalogueInterval.duration > .zero, catalogueGrace.duration >= .zero else {
      throw ValidationError("--tier-interval and --catalogue-interval must be above zero")
    }
    guard leaseTimeout.duration >= .seconds(1) else { throw ValidationError("--lease-timeout must be at least 1s") }
  }
}
