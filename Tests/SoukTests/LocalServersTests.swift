import Core
import LocalServers
import Testing
import TestSupport

import Glibc

@Suite struct ChildProcessTests {
  @Test func outputStatusEnvironmentAndFolderReachTheCaller() async throws {
    var launch = Launch("sh", ["-c", "echo one; echo \"$GREETING\"; pwd; echo wrong >&2; printf last; exit 7"])
    launch.environment = ["GREETING": "salaam"]
    launch.workingDirectory = "/usr"
    let outcome = try await ChildProcess.run(launch)
    #expect(outcome.status == .exited(7))
    #expect(outcome.output == "one\nsalaam\n/usr\nlast\n")
    #expect(outcome.errorOutput == "wrong\n")
  }

  @Test func cleanEnvironmentHoldsOnlyWhatIsNamed() async throws {
    setenv("SOUK_TEST_LEAK", "1", 1)
    var launch = Launch("env")
    launch.inheritsEnvironment = false
    launch.environment = ["KEPT": "yes"]
    let names = Set(try await ChildProcess.runOrThrow(launch).split(separator: "\n").map { $0.prefix { $0 != "=" } })
    #expect(names.contains("KEPT") && names.contains("PATH"))
    #expect(!names.contains("SOUK_TEST_LEAK"))
  }

  @Test(.enabled(if: geteuid() == 0, "another account needs root"))
  func anotherAccountRunsInItsGroupAlone() async throws {
    var launch = Launch("sh", ["-c", "id -u; id -g; id -G"])
    launch.account = Account(user: 4_711, group: 4_712)
    #expect(try await ChildProcess.runOrThrow(launch) == "4711\n4712\n4712\n")
  }

  @Test func aSignalIsTheStatus() async throws {
    let child = try await ChildProcess.start(Launch("sleep", ["600"]))
    #expect(child.status == nil)
    child.kill(SIGKILL)
    #expect(await child.wait() == .signalled(SIGKILL))
    child.kill(SIGTERM)
  }

  @Test func whoIgnoresTheRequestIsKilledWithItsGroup() async throws {
    let lines = AsyncStream.makeStream(of: String.self)
    var launch = Launch("sh", ["-c", "trap '' TERM; sleep 600 & echo $!; wait; wait"])
    launch.output = .lines { lines.continuation.yield($0) }
    let child = try await ChildProcess.start(launch)
    var iterator = lines.stream.makeAsyncIterator()
    let grandchild = try #require(pid_t(await iterator.next() ?? ""))
    #expect(await child.stop(grace: .milliseconds(50)) == .signalled(SIGKILL))
    // No process of its group lives: init reaps an orphan; without init it stays a zombie.
    try await eventually("the grandchild is gone") { kill(grandchild, 0) != 0 || isZombie(grandchild) }
  }

  @Test func aMissingProgramSaysWhatToDo() async throws {
    let failure = await #expect(throws: Failure.self) {
      _ = try await ChildProcess.start(Launch("no-such-program-here"))
    }
    #expect(failure?.errorClass == .configuration)
    #expect(failure?.message.contains("no-such-program-here") == true)
    #expect(failure?.message.contains("make deps") == true)
  }

  private func isZombie(_ pid: pid_t) -> Bool {
    guard let file = fopen("/proc/\(pid)/stat", "r") else { return true }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 256)
    guard fgets(&buffer, 256, file) != nil else { return true }
    return String(decoding: buffer.map(UInt8.init(bitPattern:)), as: UTF8.self).contains(") Z ")
  }
}

@Suite struct LocalServersTests {
  @Test func postgresKeepsItsDataThroughACrash() async throws {
    let server = try await PrivatePostgres.start()
    _ = try await server.psql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n")
    await server.halt(signal: SIGQUIT)
    await #expect(throws: Failure.self) { try await server.psql("SELECT 1") }
    try await server.resume()
    #expect(try await server.psql("SELECT count(*), sum(n) FROM t") == "1000|500500\n")
    await server.stop()
    #expect(access(server.folder.path, F_OK) != 0)
  }

  @Test func redisAnswers() async throws {
    let server = try await TestServers.redis()
    let answer = try await ChildProcess.runOrThrow(Launch("redis-cli", ["-p", "\(server.port)", "ping"]))
    #expect(answer == "PONG\n")
  }

  @Test(.timeLimit(.minutes(15))) func redisWithModulesKeepsSeriesIndexesAndDocuments() async throws {
    // Its data survives a restart when the arguments keep it.
    let server = try await PrivateRedis.start(["--appendonly", "yes", "--appendfsync", "always"], modules: true)
    func ask(_ words: String...) async throws -> String {
      let outcome = try await ChildProcess.run(Launch("redis-cli", ["-p", "\(server.port)"] + words))
      return outcome.output.split(separator: "\n").joined(separator: " ")
    }
    #expect(try await ask("TS.ADD", "ts:A:price", "1700000000000", "12.5") == "1700000000000")
    #expect(try await ask("JSON.SET", "doc", "$", #"{"a":[1,2]}"#) == "OK")
    #expect(try await ask("HSET", "doc:1", "text", "rates rise") == "1")
    #expect(try await ask("FT.CREATE", "idx", "PREFIX", "1", "doc:", "SCHEMA", "text", "TEXT") == "OK")
    await server.halt(signal: SIGKILL)
    try await server.resume()
    #expect(try await ask("TS.GET", "ts:A:price") == "1700000000000 12.5")
    #expect(try await ask("JSON.GET", "doc", "$.a[1]") == "[2]")
    try await eventually("the index is built again") {
      try await ask("FT.SEARCH", "idx", "rates").hasPrefix("1 doc:1")
    }
    await server.stop()
  }

  @Test func seaweedRefusesStrangers() async throws {
    let server = try await TestServers.seaweed()
    #expect(await LoopbackHTTP.shared.get(port: server.port, path: "/bucket/key")?.status == 403)
  }

  @Test func aKilledProcessLeavesNothing() async throws {
    // Another process of this machine did not stop its server: its folder goes when the next one is made.
    let folder: String
    do {
      let abandoned = try PrivateFolder("sweep")
      folder = abandoned.path
      #expect(access(folder, F_OK) == 0)
      _ = try PrivateFolder("sweep")
      #expect(access(folder, F_OK) == 0, "a live folder is not swept")
    }
    #expect(access(folder, F_OK) != 0)
  }
}

@Suite struct MetricSamplesTests {
  @Test func labelsAreMatchedAndSummed() {
    let samples = MetricSamples(text: """
      # HELP souk_records_consumed_total records
      # TYPE souk_records_consumed_total counter
      souk_records_consumed_total{topic="a"} 3
      souk_records_consumed_total{topic="b",x="q\\"u, }o\\nte"} 4.5 1700000000
      up 1
      nonsense
      """)
    #expect(samples.sum("souk_records_consumed_total") == 7.5)
    #expect(samples.sum("souk_records_consumed_total", where: ["topic": "a"]) == 3)
    #expect(samples.sum("souk_records_consumed_total", where: ["x": "q\"u, }o\nte"]) == 4.5)
    #expect(samples.sum("up") == 1)
    #expect(samples.sum("down") == nil)
  }
}
