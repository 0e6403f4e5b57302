import ArgumentParser
import Core
import Foundation
import Masters
import Messages
import Options
import PriceFiles

/// How files are read.
struct ParserOptions: ParsableArguments {
  @Option(help: "Files read at the same time, each on its own thread. (default: the number of processors, 2 to 8)")
  var concurrency: Int?

  @Option(help: "Items in one message, 1 to 500.")
  var batchItems = ProductsIngestWriter.maxItems

  @Option(help: ArgumentHelp(
    "Largest size of a file after decompression; larger ones are dead-lettered.", valueName: "size"))
  var maxInflatedSize = ByteSize(PriceFileLimits().inflatedBytes)

  @Option(help: "Largest ratio of decompressed to compressed size, checked from the first MiB on.")
  var maxRatio = PriceFileLimits().ratio

  @Option(help: ArgumentHelp("Largest row of a file, from start tag to end tag.", valueName: "size"))
  var maxRowSize = ByteSize(PriceFileLimits().rowBytes)

  @Option(help: "Most members of a gzip file, or entries read of a ZIP file.")
  var maxArchiveEntries = PriceFileLimits().entries

  @Option(help: "Deepest nesting of a file's elements.")
  var maxDepth = PriceFileLimits().depth

  @Option(help: ArgumentHelp("Longest name of an element or attribute.", valueName: "size"))
  var maxNameSize = ByteSize(PriceFileLimits().nameBytes)

  @Option(help: ArgumentHelp("Longest tag with all its attributes.", valueName: "size"))
  var maxTagSize = ByteSize(PriceFileLimits().tagBytes)

  @Option(help: ArgumentHelp("Longest text of one element.", valueName: "size"))
  var maxTextSize = ByteSize(PriceFileLimits().textBytes)

  @Option(help: ArgumentHelp(
    "Messages of one file held in memory until the whole file is checked; a file with more is read twice.",
    valueName: "size"))
  var heldOutputSize = ByteSize.mib(32)

  @Option(help: ArgumentHelp(
    "Texts of one promotion with its items; larger promotions are rejected.", valueName: "size"))
  var maxRecordSize = ByteSize(PriceFileLimits().recordBytes)

  @Option(help: ArgumentHelp(
    "Alert when a full file has fewer rows than the store's earlier ones by more than this share, 0 to 1; 1: never.",
    valueName: "share"))
  var rowDropThreshold = 0.5

  @Option(help: ArgumentHelp(
    "Where the row counts of files are kept: redis://[:password@]host:port/database, file:///absolute/path, "
      + "memory:. (default: --redis-url if that is set, else memory:)", valueName: "location"))
  var state: String?

  @Option(help: ArgumentHelp(
    "How products are recognised across chains: by GTIN and else by name (full), by GTIN only, or not at all.",
    valueName: "off|gtin|full"))
  var masters = MatchMode.full

  @Option(help: ArgumentHelp(
    "Where the model is that recognises names, a store with a folder 'models': s3://bucket/prefix or file:///folder. "
      + "(default: the starter model that is installed with the program)", valueName: "url"))
  var matchModels: String?

  @Option(help: "Name of the model in --match-models.")
  var matchModel = "masters"

  @Option(help: ArgumentHelp("Time between two looks for another version of the model.", valueName: "duration"))
  var matchModelInterval = DurationSetting(.seconds(30))

  @Option(help: "Names whose decisions are remembered.")
  var matchCache = 500_000

  @Option(help: "Most masters in the index; further products stay their chain's own.")
  var maxMasters = MasterIndex.Limits().count

  @Option(help: ArgumentHelp("Largest size of the index of masters.", valueName: "size"))
  var maxMasterIndexSize = ByteSize(MasterIndex.Limits().bytes)

  var filesAtOnce: Int { concurrency ?? min(8, max(2, ProcessInfo.processInfo.activeProcessorCount)) }

  mutating func validate() throws {
    guard 1...256 ~= filesAtOnce else { throw ValidationError("--concurrency must be 1 to 256") }
    guard 1...ProductsIngestWriter.maxItems ~= batchItems else {
      throw ValidationError("--batch-items must be 1 to \(ProductsIngestWriter.maxItems)")
    }
    guard maxInflatedSize.bytes >= 1 << 10 else { throw ValidationError("--max-inflated-size must be 1KiB or more") }
    guard matchModelInterval.duration >= .seconds(1) else {
      throw ValidationError("--match-model-interval must be 1s or more")
    }
    guard 1_000...50_000_000 ~= matchCache else { throw ValidationError("--match-cache must be 1000 to 50000000") }
    guard 1...50_000_000 ~= maxMasters else { throw ValidationError("--max-masters must be 1 to 50000000") }
    guard maxMasterIndexSize.bytes >= 1 << 20 else {
      throw ValidationError("--max-master-index-size must be 1MiB or more")
    }
    guard maxRatio >= 1 else { throw ValidationError("--max-ratio must be 1 or more") }
    guard 1 << 10...64 << 20 ~= maxRecordSize.bytes else {
      throw ValidationError("--max-record-size must be 1KiB to 64MiB")
    }
    guard 0...1 ~= rowDropThreshold else { throw ValidationError("--row-drop-threshold must be 0 to 1") }
    guard 1 << 10...16 << 20 ~= maxRowSize.bytes else { throw ValidationError("--max-row-size must be 1KiB to 16MiB") }
    guard 1...65_536 ~= maxArchiveEntries else { throw ValidationError("--max-archive-entries must be 1 to 65536") }
    guard 4...1_024 ~= maxDepth else { throw ValidationError("--max-depth must be 4 to 1024") }
    for (flag, size) in [("name", maxNameSize), ("tag", maxTagSize), ("text", maxTextSize)]
    where !(64...4 << 20 ~= size.bytes) {
      throw ValidationError("--max-\(flag)-size must be 64B to 4MiB")
    }
  }

  /// nil when products are not recognised.
  func makeIndex() -> MasterIndex? {
    masters == .off
      ? nil
      : MasterIndex(mode: masters, limits: .init(count: maxMasters, bytes: maxMasterIndexSize.bytes))
  }

  /// Where the model is that recognises names.
  func modelStore() throws(Failure) -> String {
    guard let url = matchModels ?? StarterModel.url else {
      throw Failure(
        .configuration, code: "no_match_model",
        "--masters full needs a model: the starter model is not installed with this program; name a store with "
          + "--match-models, or set --masters gtin")
    }
    return url
  }

  var limits: PriceFileLimits {
    var limits = PriceFileLimits()
    limits.inflatedBytes = maxInflatedSize.bytes
    limits.ratio = maxRatio
    limits.rowBytes = maxRowSize.bytes
    limits.recordBytes = maxRecordSize.bytes
    limits.entries = maxArchiveEntries
    limits.depth = maxDepth
    limits.nameBytes = maxNameSize.bytes
    limits.tagBytes = maxTagSize.bytes
    limits.textBytes = maxTextSize.bytes
    return limits
  }
}

extension MatchMode: ExpressibleByArgument {}
