import ArgumentParser
import Catalogue
import Core
import Glibc
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Metrics
import ObjectStoreFlags
import Options
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

  @OptionGroup(title: "Batch") var batch: BatchOptions
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

/// What runs jobs, and how long they may take.
struct BatchOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Jobs that run at the same time.", valueName: "count"))
  var concurrency = 1

  @Option(help: ArgumentHelp("A job that takes longer is stopped and has failed.", valueName: "time"))
  var jobTimeout = DurationSetting(.seconds(6 * 3_600))

  @Option(help: ArgumentHelp(
    "How often a job is begun again whose process was killed, as for want of memory, before it has failed. Outages of "
      + "the store and of Dask do not count: they are waited for.", valueName: "count"))
  var maxKills = 3

  @Option(help: ArgumentHelp(
    "Manifests of a dataset that are kept; what only older ones name is removed. A reader that pages through an answer "
      + "stays with one of them.", valueName: "count"))
  var keep = 10

  @Option(help: ArgumentHelp(
    "When jobs are submitted each day: compact, then features, then compare, of bars, of options flow and of "
      + "sentiment; on the clocks of New York, as 20:30 (default: never).", valueName: "time"))
  var nightly: String?

  @Option(help: ArgumentHelp("Python, with pyarrow and what the store needs; with Dask also distributed.",
                             valueName: "path"))
  var python = "python3"

  @Option(help: ArgumentHelp(
    "Folder of the jobs' programs (default: Services/Batch/Jobs above this program).", valueName: "folder"))
  var jobsFolder: String?

  @Flag(inversion: .prefixedNo, help: "Let the workers of a Dask cluster do the parts of jobs.")
  var daskEnabled = false

  @Option(help: ArgumentHelp("Scheduler of the Dask cluster, as tcp://dask-scheduler:8786.", valueName: "address"))
  var daskSchedulerAddress: String?

  @Option(help: ArgumentHelp(
    "Processes that do the parts of a job without Dask; 0: one for each core.", valueName: "count"))
  var daskNWorkers = 0

  @Option(help: ArgumentHelp(
    "How long a scheduler or workers that are away are waited for; then processes of the runner do the rest, with the "
      + "same result.", valueName: "time"))
  var daskPatience = DurationSetting(.seconds(60))

  func validate() throws {
    guard concurrency > 0, keep > 1, maxKills >= 0, daskNWorkers >= 0 else {
      throw ValidationError(
        "--concurrency is above zero, --keep above one, --max-kills and --dask-n-workers not below zero")
    }
    guard !daskEnabled || daskSchedulerAddress != nil else {
      throw ValidationError("--dask-enabled needs --dask-scheduler-address")
    }
  }

  /// The program of one job.
  /// - Throws: `Failure` of class configuration when it is not there.
  func program(_ store: ObjectStoreOptions) throws(Failure) -> JobProgram {
    guard let path = jobsFolder.map({ "\($0)/batch.py" }) ?? Program.above("Services/Batch/Jobs/batch.py"),
      access(path, R_OK) == 0
    else {
      throw Failure(
        .configuration, code: "batch_programs_missing",
        "there is no batch.py in \(jobsFolder ?? "Services/Batch/Jobs above this program"); name its folder by "
          + "--jobs-folder")
    }
    var environment = store.environment
    for (variable, name) in [("SIGNAL_WORKER", "signal-worker"), ("SOUK", "souk")] {
      let computer = "\(Program.ownFolder)/\(name)"
      if getenv(variable) == nil, access(computer, X_OK) == 0 { environment[variable] = computer }
    }
    return JobProgram(
      python: python, path: path, keep: keep, daskAddress: daskEnabled ? daskSchedulerAddress : nil,
      workers: daskNWorkers, patience: daskPatience.duration, environment: environment)
  }
}

extension ObjectStoreOptions {
  /// What the jobs' programs read: the variables that these flags have, so that a flag, a file of settings and a
  /// secret in a file reach them, too.
  fileprivate var environment: [String: String?] {
    // The programs know no references. One that cannot be read is told by the check of the object store.
    func read(_ text: String?) -> String? { text.flatMap { try? Secret($0).resolve() } }
    return [
      "OBJECT_STORE": objectStore, "S3_ENDPOINT": s3Endpoint, "S3_ADDRESSING": s3Addressing.rawValue,
      "S3_CA_FILE": s3CAFile, "AWS_REGION": awsRegion,
      "AWS_ACCESS_KEY_ID": read(credentials.awsAccessKeyID),
      "AWS_SECRET_ACCESS_KEY": read(credentials.awsSecretAccessKey),
      "AWS_SESSION_TOKEN": read(credentials.awsSessionToken),
      "AZURE_STORAGE_ACCOUNT": azure.azureStorageAccount, "AZURE_STORAGE_KEY": azure.azureStorageKey,
      "AZURE_STORAGE_SAS_TOKEN": azure.azureStorageSASToken,
      "AZURE_STORAGE_CONNECTION_STRING": azure.azureStorageConnectionString,
      "AZURE_STORAGE_SERVICE_ENDPOINT": azure.azureStorageServiceEndpoint,
    ]
  }
}

/// The runner's metrics besides those of every consumer.
struct BatchMetrics: Sendable {
  static let descriptions = [
    MetricDescription("souk_batch_jobs_total", .counter, "Jobs that ended, by how.", labels: ["kind", "state"]),
    MetricDescription("souk_batch_running_jobs", .gauge, "Jobs that run."),
    MetricDescription("souk_batch_parts_total", .counter, "Tasks of jobs that were finished here.", labels: ["kind"]),
    MetricDescription("souk_batch_job_seconds", .histogram, "From the begin of a job's last attempt to its end."),
    MetricDescription(
      "souk_batch_attempts_failed_total", .counter, "Attempts that an outage or a killed process ended, by the reason.",
      labels: ["reason"]),
    MetricDescription(
      "souk_batch_fallbacks_total", .counter, "Attempts whose rest was done without Dask, which did not answer."),
    MetricDescription(
      "souk_batch_differences", .gauge, "What the last job of kind compare found, by its dataset and the difference.",
      labels: ["dataset", "difference"]),
  ]

  private let running = Gauge(label: "souk_batch_running_jobs")
  private let duration = Timer(label: "souk_batch_job_seconds")
  private let fallbacks = Counter(label: "souk_batch_fallbacks_total")

  func runs(_ jobs: Int) { running.record(jobs) }

  func ended(_ status: BatchStatus, in time: Duration) {
    let labels = [("kind", status.kind.rawValue), ("state", status.state.rawValue)]
    Counter(label: "souk_batch_jobs_total", dimensions: labels).increment()
    duration.record(duration: time)
  }

  func finished(_ parts: Int64, of kind: BatchJob.Kind) {
    Counter(label: "souk_batch_parts_total", dimensions: [("kind", kind.rawValue)]).increment(by: Int(parts))
  }

  func failed(_ reason: String) {
    Counter(label: "souk_batch_attempts_failed_total", dimensions: [("reason", reason)]).increment()
  }

  func found(_ differences: SignalValues, of dataset: String) {
    for (name, count) in zip(differences.names, differences.numbers) {
      Gauge(label: "souk_batch_differences", dimensions: [("dataset", dataset), ("difference", name)]).record(count)
    }
  }

  func fellBack() { fallbacks.increment() }
}
