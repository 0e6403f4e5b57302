import ArgumentParser
import Catalogue
import Core
import Embedding
import EmbeddingFlags
import Kafka
import KafkaFlags
import ObjectStoreFlags
import Pipeline
import ServiceKit

/// `document-worker`: documents into passages with vectors.
package struct DocumentWorkerCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.documentWorker.name,
    abstract: "Split filings by part and item and transcripts by speaker into passages, and publish them with vectors.",
    discussion: """
      Consumes \(Topics.documents.name), reads each document from the object store, and publishes its passages on \
      \(Topics.documentChunks.name). A passage has the same id whenever its document is read again. Of a document that \
      changed, was amended or withdrawn, the earlier passages are taken back.
      """,
    version: Souk.version)

  @OptionGroup(title: "Documents") var documents: DocumentOptions
  @OptionGroup(title: "Embedding") package var embedding: EmbeddingOptions
  @OptionGroup(title: "Object store") package var objectStore: ObjectStoreOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics: [MetricDescription] = DocumentMetrics.descriptions + PipelineMetrics.jobs

  package func work(_ needs: Needs) -> Work {
    let consumer = needs.consumer(ServiceCatalogue.documentWorker, kafka, pipeline)
    let embedder = needs.add(embedding.need())
    // Does not wait for the store: while it is away, the consumer exports how far it is behind.
    let store = needs.add(objectStore.need(condition: nil))
    let logger = needs.logger
    return consumer.jobs(concurrency: documents.documentsAtOnce) { [documents] in
      DocumentHandler(
        store: try store.value, embedder: try embedder.value, options: documents, identity: consumer.identity,
        logger: logger)
    }
  }
}
