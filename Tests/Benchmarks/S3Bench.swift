import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import LocalServers
import Logging
import ObjectStore
import ObjectStoreFlags

/// `souk-bench s3`: messages per second from the broker into an S3 server by either consumer, beside Python doing the
/// same.
struct S3Bench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "s3", abstract: "Keep bars in an S3 server, beside confluent-kafka and boto3 doing the same.",
    discussion: """
      Bars of 256 symbols wait in 64 partitions of an embedded broker. One s3-consumer with its default settings \
      reads them into SeaweedFS; the time is from its first record to the end of its drain, when everything is stored \
      and committed. Then one archiver does the same by a mapping, and keeps its catalogue; then one Python process \
      does.
      """)

  @Option(help: "Messages of about 200 bytes; the embedded broker holds 100,000 of each partition.")
  var messages = 2_000_000

  @Option(help: "How often each way is measured.")
  var rounds = 2

  @Flag(help: "Leave Python out.")
  var alone = false

  @Option(parsing: .remaining, help: "More arguments for s3-consumer and archiver.")
  var arguments: [String] = []

  func validate() throws {
    guard (10_000...6_000_000).contains(messages), rounds > 0 else {
      throw ValidationError("--messages must be 10,000 to 6,000,000, --rounds above zero")
    }
  }

  func run() async throws {
    let feed = try await MarketFeed(messages: messages)
    let (broker, bytes) = (feed.broker, feed.bytes)
    let seaweed = try await SeaweedFS.start()
    do {
      print(feed.description)
      var best: [String: Reading] = [:]
      for round in 0..<rounds {
        for service in Self.services {
          let ours = try await measure(service, broker, seaweed, round: round)
          ours.print(service, messages, bytes)
          if ours.seconds < best[service]?.seconds ?? .infinity { best[service] = ours }
        }
        guard !alone else { continue }
        let theirs = try await measurePython(broker, seaweed, round: round)
        theirs.print("python", messages, bytes)
        if theirs.seconds < best["python"]?.seconds ?? .infinity { best["python"] = theirs }
      }
      for service in Self.services {
        guard let ours = best[service], let theirs = best["python"] else { continue }
        print("\(service) is \((theirs.seconds / ours.seconds).formatted(.number.precision(.fractionLength(1))))x "
          + "as fast, in \(Int(ours.megabytes / theirs.megabytes * 100)) % of the memory")
      }
    } catch {
      await seaweed.stop()
      throw error
    }
    await seaweed.stop()
  }

  private struct Reading {
    var seconds: Double
    /// Most resident memory.
    var megabytes: Double
    var objects = ""

    func print(_ name: String, _ messages: Int, _ bytes: Int) {
      let rate = Double(messages) / seconds
      Swift.print("\(name.padding(toLength: 12, withPad: " ", startingAt: 0)) \(Int(rate)) messages/s, "
        + "\(Int(rate * Double(bytes / messages) / 1e6)) MB/s, \(Int(megabytes)) MB resident at most\(objects)")
    }
  }

  // MARK: The two ways

  private static let services = [ServiceCatalogue.s3Consumer.name, ServiceCatalogue.archiver.name]

  private func measure(
    _ service: String, _ broker: EmbeddedBroker, _ seaweed: SeaweedFS, round: Int
  ) async throws -> Reading {
    let port = try FreePort.next()
    let program = try Program.require(
      "\(Program.ownFolder)/\(service)", package: "nothing: build it with `swift build -c release`")
    let bucket = "bench-\(service)-\(round)"
    var places = ["--group-id", bucket, "--object-store", "s3://\(bucket)"]
    if service == ServiceCatalogue.archiver.name {
      let topic = Topics.marketData.name
      places += ["--topics", topic, "--map", "topic=\(topic),time=datetime,symbol=symbol,zone=Africa/Cairo"]
    }
    var launch = Launch(program, ["--http-port", "\(port)"] + places + arguments)
    launch.environment = [
      "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "LOG_LEVEL": "warning",
      "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
    ]
    for (name, value) in seaweed.environment { launch.environment[name] = value }
    let child = try await ChildProcess.start(launch)
    func sample(_ name: String) async -> Double {
      let answer = await LoopbackHTTP.shared.get(port: port, path: "/metrics")
      return MetricSamples(text: answer?.body ?? "").sum(name) ?? 0
    }
    var begun: ContinuousClock.Instant?
    var memory = 0.0
    while true {
      let consumed = await sample("souk_records_consumed_total")
      if begun == nil, consumed > 0 { begun = .now }
      memory = max(memory, Self.peakMegabytes(of: child.pid))
      if Int(consumed) >= messages { break }
      if let status = child.status { throw Failure(.fatal, code: "ended", "\(service) ended with \(status)") }
      try await Task.sleep(for: .milliseconds(20))
    }
    let watch = Task {
      var most = 0.0
      while !Task.isCancelled {
        most = max(most, Self.peakMegabytes(of: child.pid))
        try? await Task.sleep(for: .milliseconds(20))
      }
      return most
    }
    let status = await child.stop(grace: .seconds(120))
    let seconds = (ContinuousClock.now - (begun ?? .now)) / .seconds(1)
    watch.cancel()
    memory = max(memory, await watch.value)
    guard status.isSuccess else { throw Failure(.fatal, code: "ended", "\(service) ended with \(status)") }
    let stored = try await count(in: bucket, of: seaweed)
    let admin = try Admin(properties: ["bootstrap.servers": broker.bootstrapServers], logger: Logger(label: "bench"))
    let lag = try await admin.lag(group: bucket, topics: [Topics.marketData.name]).reduce(0) { $0 + $1.lag }
    guard lag == 0 else { throw Failure(.fatal, code: "not_committed", "\(lag) messages were not committed") }
    return Reading(
      seconds: seconds, megabytes: memory, objects: ", \(stored.objects) objects of \(stored.bytes >> 20) MiB")
  }

  private func measurePython(_ broker: EmbeddedBroker, _ seaweed: SeaweedFS, round: Int) async throws -> Reading {
    let python = try Program.require(
      "python3", in: Program.environmentFolders, package: "python3-venv, and boto3 and confluent-kafka from PyPI")
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "s3_consumer.py").path
    let bucket = "bench-python-\(round)"
    try await makeStore(bucket, seaweed).prepare()
    var launch = Launch(
      python, [script, broker.bootstrapServers, Topics.marketData.name, bucket, "\(messages)"])
    for (name, value) in seaweed.environment { launch.environment[name] = value }
    let output = try await ChildProcess.runOrThrow(launch, atMost: .seconds(900))
    struct Answer: Decodable { var seconds, megabytes: Double }
    let answer = try JSONDecoder().decode(Answer.self, from: Data(output.utf8))
    let stored = try await count(in: bucket, of: seaweed)
    return Reading(
      seconds: answer.seconds, megabytes: answer.megabytes,
      objects: ", \(stored.objects) objects of \(stored.bytes >> 20) MiB")
  }

  // MARK: What came of it

  private static func peakMegabytes(of pid: pid_t) -> Double {
    let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) } ?? 0) / 1024
  }

  private func makeStore(_ bucket: String, _ seaweed: SeaweedFS) throws -> any ObjectStore {
    try ObjectStoreOptions.parse([
      "--object-store", "s3://\(bucket)", "--s3-endpoint", seaweed.endpoint, "--aws-access-key-id", seaweed.accessKeyID,
      "--aws-secret-access-key", seaweed.secretAccessKey,
    ]).makeStore()
  }

  private func count(in bucket: String, of seaweed: SeaweedFS) async throws -> (objects: Int, bytes: Int) {
    let store = try makeStore(bucket, seaweed)
    defer { store.close() }
    var (objects, bytes) = (0, 0)
    var from: String?
    repeat {
      let page = try await store.list(prefix: "", from: from, limit: 1000)
      objects += page.objects.count
      bytes += page.objects.reduce(0) { $0 + $1.size }
      from = page.next
    } while from != nil
    return (objects, bytes)
  }
}
