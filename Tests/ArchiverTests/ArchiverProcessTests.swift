import Catalogue
import Foundation
import LocalServers
import Testing
import TestSupport

/// The executable, as an operator runs it, with the embedded broker and real stores; what it stored, and what its
/// catalogue says of it, is read with the stores' own clients.
@Suite struct ArchiverProcessTests {
  /// `kill -9` at random moments, and a freeze: nothing lost, nothing twice, no object that was there ever changes, and
  /// in the end the catalogue is what the store holds, also when the frozen one has gone on.
  @Test(.timeLimit(.minutes(20))) func killedAtAnyMoment() async throws {
    var random = TestRandom("archiver killed")
    let stage = try await ArchiveStage.onS3()
    var truth: [String] = []
    var seen: [String: String] = [:]
    var frozen: [ServiceProcess] = []
    for round in 0..<3 {
      let fresh = Records.some(round * 2_000..<(round + 1) * 2_000)
      truth += fresh.map(\.line)
      try await stage.produce(fresh)
      let records = Int.random(in: 40...200, using: &random)
      let service = try await stage.start([
        "--rotate-records", "\(records)", "--uploads", "2", "--catalogue-grace", "100ms",
      ])
      let enough = Double.random(in: 1...60, using: &random)
      try await eventually("some objects are written", timeout: .seconds(240), interval: .milliseconds(3)) {
        await service.metrics().sum("souk_objects_written_total") ?? 0 >= enough
      }
      if round == 1 {
        service.signal(SIGSTOP)
        frozen.append(service)
      } else {
        await service.kill()
      }
      for (key, hash) in try await stage.contents().objects {
        #expect(seen[key] ?? hash == hash, "\(key) has changed")
        seen[key] = hash
      }
    }
    let started = [try await stage.start(["--catalogue-grace", "1s"]), try await stage.start()]
    let services = started + frozen
    try await stage.awaitStored()
    try await stage.awaitCatalogue(truth.count)
    let contents = try await stage.contents()
    for (key, hash) in seen { #expect(contents.objects[key] == hash, "\(key) has changed") }
    #expect(contents.records == truth.sorted())
    #expect(contents.strays.isEmpty && contents.catalogue.isEmpty, "\(contents.strays) \(contents.catalogue)")
    #expect(try await stage.deadLetters() == 0)
    for service in frozen {
      service.signal(SIGCONT)
      try await service.awaitReady()
    }
    // One of them keeps the catalogue, and its sums are the truth.
    try await eventually("one owner, and the sums") {
      var (owners, rows) = (0.0, 0.0)
      for service in services {
        let metrics = await service.metrics()
        owners += metrics.sum("souk_archive_owner") ?? 0
        rows = max(rows, metrics.sum("souk_archive_rows") ?? 0)
      }
      return owners == 1 && rows == Double(truth.count)
    }
    for service in services { #expect(await service.terminate() == .exited(0)) }
    #expect(try await stage.contents() == contents)
  }

  /// Bad records are dead letters alone; a catalogue that is gone is rebuilt as it was.
  @Test(.timeLimit(.minutes(15))) func theCatalogueIsRebuilt() async throws {
    try await withTemporaryDirectory { folder in
      try await rebuild(on: try await .onS3())
      try await rebuild(on: try await ArchiveStage(.folder(folder)))
    }
  }

  private func rebuild(on stage: ArchiveStage) async throws {
    let records = Records.some(0..<600)
    var bad: [Records.Record] = []
    for text in ["not json", "{}", #"{"symbol":"A"}"#, #"{"symbol":"A","event_ns":-5}"#] {
      bad.append(.init(topic: Topics.marketTicks, key: Array("A".utf8), value: Array(text.utf8), line: ""))
    }
    try await stage.produce(records + bad)
    let service = try await stage.start()
    try await stage.awaitStored()
    try await stage.awaitCatalogue(600)
    #expect(await service.terminate() == .exited(0))
    #expect(try await stage.deadLetters() == 4)
    let before = try await stage.contents()
    #expect(before.records == records.map(\.line).sorted() && before.catalogue.isEmpty, "\(before.catalogue)")
    // Asked by date and symbol.
    let words = ["ls", "market-ticks", "--date", "2025-01-20", "--symbol", "ÄÖ", "--format", "json"]
    let lines = try await stage.ask(words).split(separator: "\n")
    #expect(!lines.isEmpty && lines.allSatisfy { $0.contains("symbol=%C3%84%C3%96/") })
    let table = try await stage.ask("ls", "market-ticks")
    #expect(table.hasPrefix("DATE") && table.contains("2025-01-20"))
    for dataset in ["market-ticks", "market-bars", "market-gaps"] { try await forget(dataset, on: stage) }
    #expect(try await stage.contents().catalogue.count == before.objects.count, "all are missed")
    let told = try await stage.ask("rebuild")
    #expect(told.contains("market-gaps: ") && told.contains("the catalogue is written"), "\(told)")
    let after = try await stage.contents()
    #expect(after.catalogue.isEmpty && after.objects == before.objects, "\(after.catalogue)")
  }

  /// Removes the catalogue of a dataset, as an accident would.
  private func forget(_ dataset: String, on stage: ArchiveStage) async throws {
    switch stage.store {
    case .folder(let path): try FileManager.default.removeItem(atPath: "\(path)/_catalogue/\(dataset)")
    case .s3(let seaweed, let bucket):
      let python = try Program.require("python3", in: Program.environmentFolders, package: "boto3")
      var launch = Launch(python, ["-c", """
        import boto3, sys
        bucket = boto3.resource("s3", endpoint_url="\(seaweed.endpoint)", region_name="us-east-1").Bucket(sys.argv[1])
        for item in bucket.objects.filter(Prefix=sys.argv[2]):
            item.delete()
        """, bucket, "_catalogue/\(dataset)/"])
      for (name, value) in seaweed.environment { launch.environment[name] = value }
      _ = try await ChildProcess.runOrThrow(launch)
    case .azure: break
    }
  }

  @Test(.timeLimit(.minutes(10))) func whatCannotWorkStopsItBeforeTheFirstRecord() async throws {
    let stage = try await ArchiveStage.onS3()
    for arguments in [
      ["--topics", "market-ticks,news"], ["--map", "topic=news,time=at"], ["--map", "topic=news,symbol=key"],
      ["--map", "topic=market-bars,prefix=market-ticks"], ["--map", "topic=market-bars,prefix=market-ticks/bars"],
      ["--map", "topic=market-bars,dataset=market-ticks,prefix=x"], ["--map", "topic=market-bars,zone=Mars/Olympus"],
      ["--map", "topic=market-bars,prefix=../x"], ["--map", "topic=market-bars,colour=red"],
      ["--map", "topic=market-bars,prefix=_catalogue/x"], ["--map", "nonsense"],
      ["--topics", "market-ticks,market-ticks"],
      ["--tiers", "1d=Archive"], ["--tiers", "10d=GLACIER,5d=DEEP_ARCHIVE"], ["--tiers", "10d=GLACIER,20d=STANDARD_IA"],
      ["--tiers", "soon"], ["--s3-storage-class", "GLACIER"], ["--object-store", "file:///tmp/x", "--tiers", "1d=Cool"],
      ["--object-store", "file:///tmp/x", "--object-lock", "7d"], ["--object-lock", "7d", "--tiers", "10d=GLACIER"],
    ] {
      for check in [[], ["--check"]] {
        let outcome = try await ServiceProcess.run(
          "archiver", arguments + check + ["--http-port", "0"], environment: stage.environment)
        #expect(outcome.status == .exited(78), "\(arguments): \(outcome.output)\(outcome.errorOutput)")
      }
    }
    #expect(try await stage.contents() == ArchiveStage.Contents())
    let check = try await ServiceProcess.run(
      "archiver", ["--check", "--tiers", "auto"], environment: stage.environment)
    #expect(check.status == .exited(0), "\(check.output)\(check.errorOutput)")
    #expect(check.output.contains("market-ticks -> market-ticks"))
    for words in [["--help"], ["ls", "--help"], ["restore", "--help"], ["status", "--help"], ["rebuild", "--help"]] {
      let help = try await ServiceProcess.run("archiver", words)
      #expect(help.status.isSuccess && help.output.contains("archiver "), "\(words)")
    }
    for words in [["ls", "nothing"], ["restore", "nothing", "--from", "2025-01-20"], ["status", "none"]] {
      let outcome = try await ServiceProcess.run(
        "archiver", words, environment: stage.storeEnvironment.mapValues { $0 })
      #expect(outcome.status == .exited(78), "\(words): \(outcome.output)\(outcome.errorOutput)")
    }
  }
}
