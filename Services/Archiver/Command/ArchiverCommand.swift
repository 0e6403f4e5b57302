import Archiving
import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import KafkaFlags
import Messages
import ObjectStore
import ObjectStoreFlags
import Pipeline
import Redis
import RedisFlags
import ServiceKit

/// `archiver`: without a subcommand, archives; the others look at the archive, restore and rebuild.
package struct ArchiverProgram: ServiceProgram {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.archiver.name,
    abstract: "Keep every record of topics in the object store, by date and symbol, with a catalogue and cold tiers.",
    version: Souk.version,
    subcommands: [
      ArchiverCommand.self, ListCommand.self, RestoreCommand.self, StatusCommand.self, RebuildCommand.self,
    ],
    defaultSubcommand: ArchiverCommand.self)

  package init() {}
}

/// Consumes topics into an object store.
struct ArchiverCommand: ServiceCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Keep every record of topics in the object store, by date and symbol, each exactly once in effect.",
    discussion: """
      Objects are named by partition and first offset, and a range of offsets is noted beside the committed offset \
      before it is written, so that the next owner repeats exactly that range: a crash, a rebalance or a second writer \
      neither loses nor repeats anything. One archiver at a time keeps the catalogue, moves old objects to colder \
      tiers and takes restores further.
      """,
    version: Souk.version)

  @OptionGroup(title: "Archive") var archive: ArchiveOptions
  @OptionGroup(title: "Tiers and catalogue") var keeping: KeepingOptions
  @OptionGroup(title: "Objects") var objects: ObjectOptions
  @OptionGroup(title: "Object store") var objectStore: ObjectStoreOptions
  @OptionGroup(title: "Redis") var redis: RedisOptions
  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") var pipeline: PipelineOptions
  @OptionGroup(title: "Service") var service: ServiceOptions

  static var metrics: [MetricDescription] {
    KeeperMetrics.descriptions + ObjectMetrics.descriptions + RedisMetrics.descriptions + PipelineMetrics.generations
  }

  func work(_ needs: Needs) -> Work {
    let entry = ServiceCatalogue.archiver
    let (archive, keeping, objects, redis, context) = (archive, keeping, objects, redis, needs.context)
    let mappings = needs.add(.setting("mapping", { () throws(Failure) in try archive.mappings() }) { mappings in
      mappings.map { "\($0.topic) -> \($0.prefix)" }.joined(separator: ", ")
    })
    let consumer = needs.consumer(entry, kafka, pipeline) {
      try mappings.value.map { mapping in
        Topics.named(mapping.topic)
          ?? Topic(name: mapping.topic, partitions: 1, retention: .seconds(0), key: "-", summary: "")
      }
    }
    let store = needs.add(objectStore.need(
      condition: "object store", creates: objects.createStore, lock: keeping.objectLock?.duration))
    let policy = needs.add(tierNeed(store))
    let client = needs.add(Need<RedisClient?>(
      "redis", condition: "redis",
      open: { try redis.redisURL.map { try redis.makeClient(clientName: entry.name, url: $0) } },
      check: { client in
        guard let client else { return "not used: run one archiver only, since each keeps the catalogue" }
        try await client.ping()
        return "answers: one of several archivers keeps the catalogue"
      },
      close: { await $0?.close() }))
    needs.beside("catalogue") {
      let fence = "\(ProcessInfo.processInfo.hostName)-\(UInt64.random(in: 0 ... .max))"
      let location = try store.value.location
      let lease = try client.value.map { RedisLease($0, key: Ownership.key(of: location), fence: fence) }
      try await Keeper(
        ArchiveCatalogue(try store.value, folder: archive.catalogue), try mappings.value, settings: keeping,
        policy: try policy.value,
        owner: Ownership(lease, timeout: keeping.leaseTimeout.duration, logger: context.logger),
        width: objects.uploads, context: context
      ).run()
    }
    return consumer.generations(objects.policy) {
      var plans: [String: ObjectPlan] = [:]
      for mapping in try mappings.value {
        plans[mapping.topic] = try mapping.plan(catalogue: archive.catalogue, limits: JSONReader.Limits())
      }
      return ObjectSink(
        store: try store.value, plans: plans, format: objects.format(.batch), createsBucket: objects.createStore,
        uploads: objects.uploads, logger: context.logger)
    }
  }

  /// Which tiers there are and what this store can do about them. `--check` says what it cannot; a running archiver
  /// finds out when the first object is old enough.
  private func tierNeed(_ store: Opened<any ObjectStore>) -> Need<TierPolicy> {
    let (keeping, objectStore) = (keeping, objectStore)
    return Need(
      "tiers",
      open: {
        for (flag, tier) in [("--azure-access-tier", objectStore.azure.azureAccessTier?.rawValue),
                             ("--s3-storage-class", objectStore.s3StorageClass)] {
          guard let tier, ObjectLocation.archives.contains(tier) else { continue }
          // The catalogue would lie there, too.
          throw Failure(
            .configuration, code: "archive_tiers",
            "\(flag) \(tier) puts new objects where they cannot be read; use --tiers 0d=\(tier) for an archive that is "
              + "cold at once")
        }
        guard !objectStore.azure.azureCreateOnce else {
          throw Failure(
            .configuration, code: "archive_tiers",
            "--azure-create-once: the catalogue replaces its objects; use a container without immutable blobs")
        }
        let location = try ObjectLocation(objectStore.objectStore)
        guard case .s3 = location.kind, keeping.objectLock != nil else {
          return try TierPolicy(keeping.tiers, for: location)
        }
        guard ["auto", "off"].contains(keeping.tiers) else {
          throw Failure(
            .configuration, code: "archive_tiers",
            "--object-lock with --tiers \(keeping.tiers): S3 moves an object by a copy, and the locked one would stay "
              + "beside it; use --tiers off and a lifecycle rule of the bucket, which moves versions as they are")
        }
        return try TierPolicy("off", for: location)
      },
      check: { policy in
        guard let coldest = policy.steps.last?.tier else { return "off: every object stays where it is written" }
        var words = [policy.text]
        let abilities: TierAbilities
        do { abilities = try await store.value.abilities(of: coldest) } catch let error as ObjectStoreError
          where error.kind == .noSuchBucket { return "\(policy.text); the store is not there yet to be asked" }
        guard abilities.moves || keeping.tiers == "auto" else {
          throw Failure(
            .configuration, code: "store_without_tiers",
            "\(policy.text): the store does not move objects (\(abilities.reason ?? "it says not why")); "
              + "use --tiers off")
        }
        if !abilities.moves { words.append("this store does not move objects: all stay where they are written") }
        if abilities.moves, !abilities.restores {
          words.append("this store does not restore objects: it has to read those of \(coldest) as any other")
        }
        return words.joined(separator: "; ")
      })
  }
}
