import ArgumentParser
import Catalogue
import Commodities
import Kafka
import KafkaFlags
import Logging
import Messages
import Pipeline
import SchedulerService

/// `souk-bench scheduler`: jobs a second, from the plan to the acknowledgement.
struct SchedulerBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scheduler", abstract: "Jobs a second: planned, encoded, and acknowledged by the embedded broker.",
    discussion: """
      The jobs are of one schedule over 10,000 series. The bound is the same records, made before, sent by the same \
      producer in the same batches. The goal is 10,000 jobs a second with the wait for each batch.
      """)

  @Option(help: "Jobs.") var jobs = 200_000
  @Option(help: "Jobs of a batch, as --job-batch.") var batch = 1_000

  func validate() throws {
    guard jobs >= batch, batch > 0 else { throw ValidationError("--jobs has to be --batch or more") }
  }

  func run() async throws {
    let countries = (0..<100).map { "  - {name: Country \($0), region: r\($0 % 5), currency: USD}" }
    let materials = (0..<100).map { "  - {name: Material \($0), category: polymer, unit: t}" }
    let text = "countries:\n\(countries.joined(separator: "\n"))\nmaterials:\n\(materials.joined(separator: "\n"))\n"
      + "sources: []\nschedules:\n  - {name: all, task: fetch_price, cron: '* * * * *', deadline: 1h}\n"
    let plan = try SchedulePlan(CommodityCatalogue(yaml: text, origin: "bench"))
    let clock = ContinuousClock()
    let runs = (jobs + 9_999) / 10_000
    var due: [DueJob] = []
    let planning = clock.measure { due = plan.jobs(in: 0..<Int64(runs * 60)) }
    due = Array(due.prefix(jobs))
    var tasks: [PlannedTask] = []
    let making = clock.measure { tasks = due.map { plan.task(of: $0) } }
    let broker = try EmbeddedBroker(topics: [(Topics.ingestionTasks.name, Int(Topics.ingestionTasks.partitions))])
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = broker.bootstrapServers
    let producer = try Producer(options.producerConfiguration(
      clientID: "souk-bench", logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }))
    let queue = JobQueue(producer: producer, service: ServiceIdentity(name: "scheduler"))
    try await queue.send(Array(tasks.prefix(batch)))
    let whole = try await clock.measure {
      for start in stride(from: 0, to: due.count, by: batch) {
        try await queue.send(due[start..<min(start + batch, due.count)].map { plan.task(of: $0) })
      }
    }
    let prepared = stride(from: 0, to: tasks.count, by: batch).map { start -> OutgoingBatch in
      var records = OutgoingBatch()
      for task in tasks[start..<min(start + batch, tasks.count)] {
        records.append(topic: Topics.ingestionTasks.name, key: task.key, value: task.encoded())
      }
      return records
    }
    let bound = try await clock.measure { for records in prepared { try await producer.send(records) } }
    await producer.close()
    func line(_ what: String, _ time: Duration) {
      let rate = Int(Double(due.count) / (time / .seconds(1)))
      print("\(what)\(String(repeating: " ", count: max(1, 44 - what.count)))\(rate) jobs/s")
    }
    line("planned", planning)
    line("made, with their ids", making)
    line("made, encoded, sent, acknowledged", whole)
    line("bound: prepared records, acknowledged", bound)
  }
}
