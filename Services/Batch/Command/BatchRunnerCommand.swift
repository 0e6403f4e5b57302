import ArgumentParser
import Catalogue
import Core
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import ObjectStoreFlags
import Pipeline
import ServiceKit

/// `batch-runner`: jobs of the batch layer in, views in the object store out.
package struct BatchRunnerCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.batchRunner.name,
    abstract: "Run the jobs of the batch layer, and say how far they are.",
    discussion: """
      Consumes \(Topics.batchJobs.name), runs each job's Python program, which lets Dask's workers or processes of its \
      own do the parts, and publishes \(Topics.batchStatus.name). A job's offset is committed after its views are \
      published; a job that was broken off, by whatever, resumes with the parts that are finished.
      """,
    version: Souk.version)

  @OptionGroup(title: "Batch") package var batch: BatchOptions
  @OptionGroup(title: "Object store") package var objectStore: ObjectStoreOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics: [MetricDescription] =
    BatchMetrics.descriptions + PipelineMetrics.jobs + KafkaMetrics.table

  package func work(_ needs: Needs) -> Work {
    let (entry, context) = (ServiceCatalogue.batchRunner, needs.context)
    let (batch, objectStore) = (batch, objectStore)
    let consumer = needs.consumer(entry, kafka, pipeline)
    needs.add(objectStore.need(condition: "object store", creates: true))
    let program = needs.add(Need(
      "jobs", limit: .seconds(60), open: { try batch.program(objectStore) }, check: { try await $0.check() }))
    let book = JobBook()
    needs.table("jobs that are wanted", entry.name, kafka, topic: Topics.batchJobs) { book.takeJobs($0) }
    needs.table("what was said of jobs", entry.name, kafka, topic: Topics.batchStatus) { book.takeStatuses($0) }
    let nightly = needs.add(.setting("nightly", { () throws(Failure) -> Nightly? in
      if let text = batch.nightly { return try Nightly(text) }
      return nil
    }) { $0 == nil ? "no job is submitted by the clock" : "jobs are submitted at \(batch.nightly ?? "") in New York" })
    needs.beside { [kafka] in
      guard let nightly = try nightly.value else { return }
      let producer = try Producer(kafka.producerConfiguration(clientID: entry.name, logger: context.logger))
      while await !context.drain.sleep(for: .seconds(5)) {
        guard let job = nightly.next(at: WallClock.seconds(), book) else { continue }
        var batch = OutgoingBatch()
        batch.append(
          topic: BatchJob.topic.name, key: job.key, value: job.encoded(),
          headers: consumer.identity.headers(schema: BatchJob.topic.schema))
        do { try await producer.send(batch) } catch {
          context.logger.warning("a nightly job is submitted later", metadata: ["reason": "\(error)"])
        }
      }
      await producer.close()
    }
    // A job waits for its turn inside the handler, so that what ends another one is read meanwhile.
    return consumer.jobs(concurrency: batch.concurrency + Self.waiting) {
      BatchHandler(
        try program.value, settings: batch.settings, book: book, identity: consumer.identity, drain: context.drain,
        logger: context.logger)
    }
  }

  /// Jobs that are read while others run, and are told to be queued.
  private static let waiting = 64
}

extension BatchOptions {
  fileprivate var settings: BatchHandler.Settings {
    BatchHandler.Settings(concurrency: concurrency, timeout: jobTimeout.duration, maxKills: maxKills)
  }
}
