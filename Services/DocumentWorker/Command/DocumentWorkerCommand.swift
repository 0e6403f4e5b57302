import ArgumentParser
import Catalogue
import Core
import Embedding
import EmbeddingFlags
import Foundation
import Kafka
import KafkaFlags
import ObjectStoreFlags
import Options
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

/// How documents are read and cut.
struct DocumentOptions: ParsableArguments {
  @Option(help: "Documents read at the same time, each on its own thread. (default: the number of processors, 2 to 8)")
  var concurrency: Int?

  @Option(help: ArgumentHelp(
    "Largest document, read as it arrives and never held whole unless it is JSON; a larger one is a dead letter.",
    valueName: "size"))
  var maxDocumentSize = ByteSize.mib(64)

  @Option(help: ArgumentHelp(
    "Most text of a document without its markup, which is held; one with more is dead-lettered.", valueName: "size"))
  var maxTextSize = ByteSize.mib(16)

  @Option(help: ArgumentHelp(
    "Tokens of a passage at most, as the embedding counts them.", valueName: "count"))
  var passageTokens = 230

  func validate() throws {
    guard (1...64).contains(concurrency ?? 1) else { throw ValidationError("--concurrency goes from 1 to 64") }
    guard (1 << 10...1 << 30).contains(maxDocumentSize.bytes), (1 << 10...1 << 30).contains(maxTextSize.bytes) else {
      throw ValidationError("--max-document-size and --max-text-size go from 1KiB to 1GiB")
    }
    guard (32...2_000).contains(passageTokens) else { throw ValidationError("--passage-tokens goes from 32 to 2000") }
  }

  var documentsAtOnce: Int {
    concurrency ?? min(8, max(2, ProcessInfo.processInfo.activeProcessorCount))
  }
}
