import Catalogue
import Foundation
import Kafka
import LocalServers
import Messages
import Testing
import TestSupport

import Glibc

/// The executable, as an operator runs it, with the embedded broker and a real S3 server; what it stored is read
/// with boto3.
@Suite struct S3ConsumerProcessTests {
  @Test(.timeLimit(.minutes(10)), arguments: [["--layout", "batch"], ["--layout", "record"]])
  func othersReadWhatWasProduced(layout: [String]) async throws {
    let stage = try await Stage()
    let bars = (0..<(layout[1] == "batch" ? 6_000 : 300)).map { Bars.bar($0) }
    try await stage.produce(bars)
    var bad = OutgoingBatch()
    for text in ["not json", "{}", #"{"symbol":"A"}"#] {
      bad.append(topic: Topics.marketData.name, key: Array("A".utf8), value: Array(text.utf8))
    }
    try await stage.producer.send(bad)
    let service = try await stage.start(layout)
    try await eventually("everything is stored", timeout: .seconds(240)) { try await stage.lag() == 0 }
    let contents = try await stage.contents()
    #expect(contents.records == bars.map(Bars.line).sorted())
    #expect(contents.strays.isEmpty)
    #expect(try await stage.deadLetters() == 3)
    try await eventually("the books are balanced") {
      let metrics = await service.metrics()
      let ends = ["kept", "skipped", "dead_lettered", "returned"]
        .map { metrics.sum("souk_records_\($0)_total") ?? 0 }.reduce(0, +)
      return metrics.sum("souk_records_consumed_total") == Double(bars.count + 3) && ends == Double(bars.count + 3)
        && metrics.sum("souk_objects_written_total") == Double(contents.objects.count)
        && metrics.sum("souk_generation_bytes") == 0
    }
    #expect(await service.terminate() == .exited(0))
    #expect(try await stage.contents() == contents)
  }

  /// `kill -9` at random moments: nothing lost, nothing twice, and no object that was there ever changes.
  @Test(.timeLimit(.minutes(15))) func killedAtAnyMoment() async throws {
    var random = TestRandom("s3-consumer killed")
    let stage = try await Stage(partitions: 3)
    var bars: [MarketBar] = []
    var seen: [String: String] = [:]
    for round in 0..<3 {
      let fresh = (0..<4_000).map { Bars.bar(round * 4_000 + $0) }
      bars += fresh
      try await stage.produce(fresh)
      // Small ranges and one upload at a time, so that most moments are within a closing.
      let records = Int.random(in: 50...400, using: &random)
      let service = try await stage.start(["--rotate-records", "\(records)", "--uploads", "1"])
      let enough = Double.random(in: 1...40, using: &random)
      try await eventually("some objects are written", timeout: .seconds(240), interval: .milliseconds(3)) {
        await service.metrics().sum("souk_objects_written_total") ?? 0 >= enough
      }
      await service.kill()
      let contents = try await stage.contents()
      for (key, hash) in contents.objects {
        #expect(seen[key] ?? hash == hash, "\(key) has changed")
        seen[key] = hash
      }
    }
    let service = try await stage.start()
    try await eventually("everything is stored", timeout: .seconds(240)) { try await stage.lag() == 0 }
    let contents = try await stage.contents()
    for (key, hash) in seen { #expect(contents.objects[key] == hash, "\(key) has changed") }
    #expect(contents.records == bars.map(Bars.line).sorted())
    #expect(try await stage.deadLetters() == 0)
    #expect(await service.terminate() == .exited(0))
  }

  /// An endpoint whose name does not resolve, or whose name server never answers, from the start.
  @Test(.timeLimit(.minutes(10)), arguments: ["missing", "stalled"])
  func anUnresolvableEndpointIsRetried(fault: String) async throws {
    try await withTemporaryDirectory { folder in
      let resolver = try await FailingResolver(folder: folder)
      let stage = try await Stage(partitions: 2)
      let s3 = try MemoryS3()
      try await stage.produce((0..<50).map { Bars.bar($0) })
      let endpoint = "http://s3.\(fault).test:\(s3.port)"
      let service = try await ServiceProcess.start(
        "s3-consumer", ["--s3-timeout", "1s"],
        environment: stage.environment(endpoint: endpoint).merging(resolver.environment) { $1 })
      try await eventually("tried again and again") {
        if let status = service.status { throw ConditionNotMet(description: "ended: \(status) \(service.log)") }
        return service.log.filter { $0.contains("waiting for the object store") }.count >= 3
      }
      #expect(await service.get("/livez")?.status == 200)
      #expect(await service.get("/readyz")?.status == 503)
      resolver.recover()
      try await eventually("everything is stored", timeout: .seconds(240)) { try await stage.lag() == 0 }
      #expect(try await stage.deadLetters() == 0)
      #expect(await service.terminate() == .exited(0))
    }
  }

  /// Far more connections that send half a request than the process has descriptors for: it answers probes and works
  /// on.
  @Test(.timeLimit(.minutes(10))) func halfOpenConnectionsTakeNoDescriptorsFromTheWork() async throws {
    try await withTemporaryDirectory { folder in
      let stage = try await Stage(partitions: 2)
      var environment = stage.environment()
      environment["OBJECT_STORE"] = "file://\(folder)"
      let service = try await ServiceProcess.start("s3-consumer", environment: environment)
      try await service.awaitReady()
      // Room for what one endpoint may hold, for one round of the connections below, and for the work.
      let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(service.pid)/fd").count
      try await limitDescriptors(of: service.pid, to: open + 160)
      var connections: [Int32] = []
      defer { for connection in connections { close(connection) } }
      for round in 0..<10 {
        for _ in 0..<40 { connections.append(try halfOpen(service.httpPort)) }
        #expect(await service.get("/livez")?.status == 200, "round \(round)")
        try await stage.produce((0..<20).map { Bars.bar(round * 20 + $0) })
      }
      try await eventually("everything is stored", timeout: .seconds(240)) { try await stage.lag() == 0 }
      #expect(service.status == nil)
      #expect(try await stage.deadLetters() == 0)
      #expect(await service.terminate() == .exited(0))
    }
  }

  /// 503 answers, then a bucket that is gone, then health again.
  @Test(.timeLimit(.minutes(10))) func anOutageLosesNothingAndDeadLettersNothing() async throws {
    let stage = try await Stage(partitions: 2)
    let s3 = try MemoryS3()
    let service = try await stage.start(endpoint: s3.url)
    try await service.awaitReady()
    #expect(s3.now.hasBucket, "a missing bucket is made")
    s3.change { $0.isBusy = true }
    let bars = (0..<500).map { Bars.bar($0) }
    try await stage.produce(bars)
    try await eventually("refused again and again") { s3.now.refused > 5 }
    try await eventually("not ready") { await service.get("/readyz")?.status == 503 }
    #expect(await service.get("/livez")?.status == 200)
    #expect(s3.now.objects.isEmpty)
    s3.change {
      $0.isBusy = false
      $0.hasBucket = false
    }
    try await eventually("everything is stored", timeout: .seconds(240)) { try await stage.lag() == 0 }
    #expect(s3.now.hasBucket, "made again")
    #expect(s3.now.objects.keys.allSatisfy { $0.hasSuffix(".jsonl.gz") })
    #expect(s3.now.changed.isEmpty, "no object was written twice with other bytes")
    #expect(try await stage.deadLetters() == 0)
    try await eventually("ready again") { await service.get("/readyz")?.status == 200 }
    // What is committed is counted a moment later.
    try await eventually("all are counted") { await service.metrics().sum("souk_records_kept_total") == 500 }
    #expect(await service.terminate() == .exited(0))
  }

  @Test(.timeLimit(.minutes(10))) func whatCannotWorkStopsItBeforeTheFirstRecord() async throws {
    let stage = try await Stage(partitions: 1)
    var environment = stage.environment()
    let missing = try await ServiceProcess.run("s3-consumer", ["--check"], environment: environment)
    #expect(missing.status == .exited(0), "\(missing.output)\(missing.errorOutput)")
    #expect(missing.output.contains("will be made"))
    let strict = try await ServiceProcess.run("s3-consumer", ["--check", "--no-create-store"], environment: environment)
    #expect(strict.status == .exited(78))
    environment["AWS_SECRET_ACCESS_KEY"] = "WRONGSECRET"
    let wrong = try await ServiceProcess.run("s3-consumer", ["--http-port", "0"], environment: environment)
    #expect(wrong.status == .exited(78))
    #expect(!(wrong.output + wrong.errorOutput).contains("WRONGSECRET"))
    for arguments in [["--codec-level", "10"], ["--uploads", "0"], ["--key-prefix", "../x"], ["--layout", "parquet"]] {
      let outcome = try await ServiceProcess.run("s3-consumer", arguments, environment: stage.environment())
      #expect(!outcome.status.isSuccess, "\(arguments)")
    }
    let help = try await ServiceProcess.run("s3-consumer", ["--help"])
    #expect(help.status.isSuccess)
    for option in ["--layout", "--rotate-interval", "--s3-sse", "--aws-web-identity-token-file", "--buffer-bytes"] {
      #expect(help.output.contains(option))
    }
  }
}

/// Sets the soft limit of a process that runs; descriptors that are open beyond it stay open.
private func limitDescriptors(of process: pid_t, to count: Int) async throws {
  let program = try Program.require("prlimit", package: "the Debian package util-linux")
  _ = try await ChildProcess.runOrThrow(Launch(program, ["--pid", "\(process)", "--nofile=\(count):"]))
}

/// Half of a request, on a connection of its own.
private func halfOpen(_ port: UInt16) throws -> Int32 {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  guard withLoopback(port: port, { connect(descriptor, $0, $1) }) == 0 else {
    close(descriptor)
    throw ConditionNotMet(description: "the endpoint refuses connections")
  }
  let text = Array("GET /livez HTTP/1.1\r\nHost: x\r\nX-Half".utf8)
  _ = send(descriptor, text, text.count, Int32(MSG_NOSIGNAL))
  return descriptor
}
