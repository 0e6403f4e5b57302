import ArgumentParser
import Core
import Glibc
import LocalServers
import ObjectStoreFlags
import Options

/// What runs jobs, and how long they may take.
package struct BatchOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Jobs that run at the same time.", valueName: "count"))
  package var concurrency = 1

  @Option(help: ArgumentHelp("A job that takes longer is stopped and has failed.", valueName: "time"))
  package var jobTimeout = DurationSetting(.seconds(6 * 3_600))

  @Option(help: ArgumentHelp(
    "How often a job is begun again whose process was killed, as for want of memory, before it has failed. Outages of "
      + "the store and of Dask do not count: they are waited for.", valueName: "count"))
  package var maxKills = 3

  @Option(help: ArgumentHelp(
    "Manifests of a dataset that are kept; what only older ones name is removed. A reader that pages through an answer "
      + "stays with one of them.", valueName: "count"))
  package var keep = 10

  @Option(help: ArgumentHelp(
    "When jobs are submitted each day: compact, then features, then compare, of bars, of options flow and of "
      + "sentiment; on the clocks of New York, as 20:30 (default: never).", valueName: "time"))
  package var nightly: String?

  @Option(help: ArgumentHelp("Python, with pyarrow and what the store needs; with Dask also distributed.",
                             valueName: "path"))
  package var python = "python3"

  @Option(help: ArgumentHelp(
    "Folder of the jobs' programs (default: Services/Batch/Jobs above this program).", valueName: "folder"))
  package var jobsFolder: String?

  @Flag(inversion: .prefixedNo, help: "Let the workers of a Dask cluster do the parts of jobs.")
  package var daskEnabled = false

  @Option(help: ArgumentHelp("Scheduler of the Dask cluster, as tcp://dask-scheduler:8786.", valueName: "address"))
  package var daskSchedulerAddress: String?

  @Option(help: ArgumentHelp(
    "Processes that do the parts of a job without Dask; 0: one for each core.", valueName: "count"))
  package var daskNWorkers = 0

  @Option(help: ArgumentHelp(
    "How long a scheduler or workers that are away are waited for; then processes of the runner do the rest, with the "
      + "same result.", valueName: "time"))
  package var daskPatience = DurationSetting(.seconds(60))

  package init() {}

  package func validate() throws {
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
