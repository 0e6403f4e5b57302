import Archiving
import ArgumentParser
import Core
import Logging
import ObjectStore
import ObjectStoreFlags
import Redis
import RedisFlags

/// `archiver rebuild`: writes the catalogue anew from a listing of the store.
struct RebuildCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rebuild", abstract: "Write the catalogue anew from a listing of the store.",
    discussion: """
      archiver rebuild                                   all datasets
      archiver rebuild market-ticks

      Lists the objects of a dataset and asks the store of each for its tier and for what was noted when it was \
      written; objects that have no such notes are read, those of an archive are listed without rows and times. \
      Objects whose names archivers do not write are counted and passed over. May run beside archivers: the one that \
      keeps the catalogue merges what was found; without one, this command does.
      """)

  @Argument(help: "The dataset; all when left out.") var dataset: String?
  @OptionGroup(title: "Archive") var archive: ArchiveOptions
  @OptionGroup(title: "Object store") var objectStore: ObjectStoreOptions
  @OptionGroup(title: "Redis") var redis: RedisOptions

  func run() async throws {
    let mappings = try dataset.map { [try archive.mapping(of: $0)] } ?? archive.mappings()
    try await archive.withCatalogue(objectStore) { catalogue in
      for mapping in mappings {
        let outcome = try await Rebuild(catalogue: catalogue, mapping: mapping).run()
        print("\(mapping.dataset): \(outcome.found) objects, \(outcome.read) of them read, "
          + "\(outcome.unknown) without rows, \(outcome.strange) names of others passed over")
      }
      try await merge(mappings, catalogue)
    }
  }

  private func merge(_ mappings: [ArchiveMapping], _ catalogue: ArchiveCatalogue) async throws {
    let client = try redis.redisURL.map { try redis.makeClient(clientName: "archiver rebuild", url: $0) }
    let fence = "rebuild-\(UInt64.random(in: 0 ... .max))"
    let lease = client.map { RedisLease($0, key: Ownership.key(of: catalogue.store.location), fence: fence) }
    let logger = Logger(label: "archiver")
    let owner = Ownership(lease, timeout: .seconds(30), logger: logger)
    guard try await owner.hold() else {
      return print("the archiver that keeps the catalogue merges this at its next look")
    }
    let merger = CatalogueMerger(catalogue, grace: .zero, logger: logger)
    do {
      try await owner.whileHeld {
        for mapping in mappings {
          while try await merger.merge(mapping, isOwner: { owner.isHeld }).isMore {}
        }
      }
    } catch {
      await owner.release()
      await client?.close()
      throw error
    }
    await owner.release()
    await client?.close()
    print("the catalogue is written")
  }
}
