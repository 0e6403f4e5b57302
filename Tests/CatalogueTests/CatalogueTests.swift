import Catalogue
import Messages
import TestSupport
import Testing
import Values

@Suite struct CatalogueTests {
  @Test func publishedNamesDoNotChange() {
    let names = [
      "gogobe.files.discovered", "gogobe.files.expired", "gogobe.files.downloaded", "gogobe.products.ingest",
      "gogobe.promotions.ingest", "gogobe.stores.ingest", "gogobe.files.parsed", "gogobe.products.masters",
      "souk.alerts", "egx_market_data", "ingestion_tasks", "sentinel_market_data.polymer", "db_write_buffer",
    ]
    #expect(Set(Topics.all.map(\.name)).isSuperset(of: names))
    let services = ServiceCatalogue.all.map(\.name)
    #expect(Set(services).isSuperset(of: ["crawler", "parser", "db-writer", "egx-producer", "s3-consumer", "fetcher"]))
    #expect(Set(services).count == services.count)
  }

  /// What an entry says of its topics is about topics that it reads, and no setting is said twice.
  @Test func entriesAgreeWithThemselves() {
    for service in ServiceCatalogue.all {
      #expect(!service.systems.isEmpty && Set(service.systems).count == service.systems.count, "\(service.name)")
      #expect(service.needs.contains(.kafka) && service.sink.map(service.needs.contains) != false, "\(service.name)")
      if case .byLag(_, let others) = service.scaling {
        #expect(!service.inputs.isEmpty && Set(others.keys).isSubset(of: service.inputs), "\(service.name)")
      }
      if !service.kinds.isEmpty {
        #expect(Set(service.kinds.flatMap(\.inputs)) == Set(service.inputs), "\(service.name)")
      }
      for workload in service.workloads {
        for place in FleetSetting.Place.allCases {
          let names = (service.settings + workload.settings).filter { $0.places.contains(place) }.map(\.name)
          #expect(Set(names).count == names.count, "\(workload.name) is told \(names)")
        }
      }
    }
    let groups = ServiceCatalogue.all.flatMap(\.groups).map(\.name)
    #expect(Set(groups).count == groups.count, "two groups of one name would steal each other's partitions")
  }

  @Test func namesAreUniqueAndLegal() {
    let names = Topics.allWithDeadLetters.map(\.name)
    #expect(Set(names).count == names.count)
    for name in names {
      // Kafka's rule for topic names.
      #expect((1...249).contains(name.utf8.count))
      #expect(name.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789.-_".utf8.contains($0) })
      #expect(Topics.named(name)?.name == name)
    }
  }

  @Test func everyTopicHasAWriterAndAReader() {
    // Leases are held, not written; some are of commands: `souk masters`, `souk backfill`, `souk splits`.
    let ofCommands = [Topics.masterDecisions, Topics.backfillJobs, Topics.backfillStatus, Topics.marketSplits]
    let leases = [Topics.schedulerLease, Topics.marketSchedulerLease]
    for topic in Topics.all where !leases.contains(topic) && !ofCommands.contains(topic) {
      #expect(ServiceCatalogue.all.contains { $0.outputs.contains(topic) }, "\(topic.name) has no writer")
      // Alerts are for people and their tools.
      guard topic != Topics.alerts else { continue }
      #expect(ServiceCatalogue.all.contains { ($0.inputs + $0.tables).contains(topic) }, "\(topic.name) has no reader")
    }
  }

  @Test func deadLettersKeepPartitionsAndOutliveTheirSource() {
    for topic in Topics.all {
      #expect(topic.deadLetters.partitions == topic.partitions)
      #expect(topic.deadLetters.retention >= topic.retention)
      #expect(topic.deadLetterName == topic.name + ".dlq")
      #expect(topic.deadLetters.cleanup == .delete, "two dead letters of one key are two dead letters")
    }
  }

  @Test func messagesBelongToTheirTopics() {
    #expect(FileDiscovered.topic == Topics.filesDiscovered)
    #expect(Alert.topic == Topics.alerts)
    #expect(FileDownloaded.topic == Topics.filesDownloaded)
    #expect(ProductsIngest.topic == Topics.productsIngest)
    #expect(ProductMaster.topic == Topics.productsMasters)
    #expect(PromotionsIngest.topic == Topics.promotionsIngest)
    #expect(StoresIngest.topic == Topics.storesIngest)
    #expect(FileParsed.topic == Topics.filesParsed)
    #expect(MarketBar.topic == Topics.marketData)
    #expect(IngestionTask.topic == Topics.ingestionTasks)
    #expect(CommodityCategory.allCases.map { CommodityObservation.topic(of: $0) } == Topics.commodityObservations)
    #expect(Prediction.topic == Topics.databaseWriteBuffer)
    #expect(Topics.all.allSatisfy { $0.schema.name == $0.name && $0.schema.version >= 1 })
  }

  @Test func batchIDs() {
    #expect(IngestHeader.batchID(fileID: "f", sequence: 0) == "f-000000")
    #expect(IngestHeader.batchID(fileID: "f", sequence: 1_234_567) == "f-1234567")
  }
}
