import Foundation
import Glibc
import LocalServers
import ServiceKit
import Testing
import TestSupport

/// A real process: its signals, its exit codes, its endpoint.
@Suite struct ProcessTests {
  @Test(arguments: [SIGTERM, SIGINT]) func signalDrainsAndExitsWithZero(_ signal: Int32) async throws {
    let probe = try await ProbeProcess([])
    _ = try await probe.logged("running")
    probe.send(signal)
    #expect(try await probe.exitCode() == 0)
    let draining = try await probe.logged("draining")
    #expect(draining["cause"] as? String == (signal == SIGTERM ? "SIGTERM" : "SIGINT"))
    #expect(try await probe.logged("stopped")["exit_code"] as? Int == 0)
  }

  @Test(arguments: [(SIGTERM, Int32(143)), (SIGINT, Int32(130))])
  func secondSignalExitsAtOnce(_ signal: Int32, _ code: Int32) async throws {
    let probe = try await ProbeProcess(["--mode", "slow", "--drain-timeout", "1h"])
    _ = try await probe.logged("running")
    probe.send(signal)
    _ = try await probe.logged("draining")
    // Signals in quick succession count as one, so this is repeated until the second one takes effect.
    try await eventually("the second signal to end it") {
      probe.send(signal)
      return !probe.isRunning
    }
    #expect(try await probe.exitCode() == code)
  }

  @Test func doubledSignalIsOneSignal() async throws {
    let probe = try await ProbeProcess([])
    _ = try await probe.logged("running")
    probe.send(SIGTERM)
    probe.send(SIGINT)
    #expect(try await probe.exitCode() == 0)
  }

  @Test(arguments: ["hang", "slow", "stuck-pool"]) func drainDeadlineExitsWith75(_ mode: String) async throws {
    let probe = try await ProbeProcess(["--mode", mode, "--drain-timeout", "300ms"])
    _ = try await probe.logged("running")
    probe.send(SIGTERM)
    #expect(try await probe.exitCode() == 75)
    let line = try await probe.logged(
      "drain deadline passed; what was not yet settled will be done again by the next process")
    #expect(line["exit_code"] as? Int == 75)
    #expect(line["deadline"] as? String == "300ms")
  }

  @Test(arguments: [("finish", Int32(0)), ("fail", 1), ("unclassified", 1), ("misconfigured", 78)])
  func outcomeIsTheExitCode(_ mode: String, _ code: Int32) async throws {
    let probe = try await ProbeProcess(["--mode", mode])
    #expect(try await probe.exitCode() == code)
  }

  @Test func closedOutputDoesNotEndAService() async throws {
    // The reader is gone before or while the service logs; without handling that would be SIGPIPE, 141.
    let probe = try ProbeProcess.executable()
    let shell = try await ChildProcess.run(Launch(
      "bash", ["-c", "set -o pipefail; '\(probe)' --mode finish --http-port 0 2>&1 | true"]))
    #expect(shell.status == .exited(0))
  }

  @Test func errorIsOneLineWithWhatAndCode() async throws {
    let probe = try await ProbeProcess(["--mode", "misconfigured"])
    let line = try await probe.logged("wrong configuration")
    #expect(line["code"] as? String == "topic_missing")
    #expect(line["class"] as? String == "configuration")
    #expect((line["error"] as? String)?.contains("create it") == true)
    #expect(try await probe.exitCode() == 78)
  }

  @Test func takenPortIsAConfigurationError() async throws {
    let first = try await ProbeProcess([])
    let port = try #require(try await first.endpoint().port)
    let second = try await ProbeProcess(["--http-port", "\(port)"])
    #expect(try await second.exitCode() == 78)
    let line = try await second.logged("wrong configuration")
    #expect(line["code"] as? String == "port_in_use")
    #expect((line["error"] as? String)?.contains("--http-port (HTTP_PORT)") == true)
    #expect((line["error"] as? String)?.contains(":\(port)") == true)
  }

  @Test func aForeignAddressIsAConfigurationError() async throws {
    let probe = try await ProbeProcess(["--http-host", "203.0.113.7"])
    #expect(try await probe.exitCode() == 78)
    #expect(try await probe.logged("wrong configuration")["code"] as? String == "listen_failed")
  }

  @Test func wrongCommandLineExitsWith64() async throws {
    let probe = try await ProbeProcess(["--no-such-flag"])
    #expect(try await probe.exitCode() == 64)
    try await eventually("usage") { probe.error.contains("Unknown option '--no-such-flag'") }
  }

  @Test func wrongEnvironmentExitsWith78() async throws {
    let probe = try await ProbeProcess([], environment: ["BATCH": "many"])
    #expect(try await probe.exitCode() == 78)
    try await eventually("the variable's name") { probe.error.contains("environment variable BATCH") }
  }

  @Test func checkPrintsItsProbes() async throws {
    let fine = try await ProbeProcess(["--check", "--database-url", "up"])
    #expect(try await fine.exitCode() == 0)
    try await eventually("lines") { fine.standard == "ok      settings\nok      database: answers\n" }
    let down = try await ProbeProcess(["--check", "--database-url", "down"])
    #expect(try await down.exitCode() == 1)
    try await eventually("lines") { down.standard == "ok      settings\nfailed  database: no answer [down]\n" }
  }

  @Test func subcommandReadsTheEnvironment() async throws {
    let probe = try await ProbeProcess(["migrate", "--steps", "2"], environment: ["DATABASE_URL": "db", "STEPS": "9"])
    #expect(try await probe.exitCode() == 0)
    try await eventually("output") { probe.standard == "migrating db by 2\n" }
  }

  @Test func endpointTellsHealthAndMetrics() async throws {
    let probe = try await ProbeProcess(["--mode", "slow"])
    _ = try await probe.logged("running")
    let base = try await probe.endpoint()
    for path in ["livez", "healthz"] {
      let (status, type, body) = try await get(base, path)
      #expect(status == 200)
      #expect(type == "application/json")
      #expect(try JSONSerialization.jsonObject(with: Data(body.utf8)) is [String: Any])
    }
    let ready = try await get(base, "readyz")
    #expect(ready.status == 200)
    #expect(ready.body == #"{"status":"ok","checks":[{"name":"work","ok":true,"reason":"working"}]}"# + "\n")
    #expect(try await get(base, "nothing").status == 404)

    let metrics = try await get(base, "metrics")
    #expect(metrics.status == 200)
    #expect(metrics.type == "text/plain; version=0.0.4; charset=utf-8")
    let families = try ParsedExposition(metrics.body)
    #expect(families.value("souk_probe_runs_total", ["mode": "slow"]) == 1)
    #expect(families.value("souk_ready") == 1)
    #expect(families.value("souk_alive") == 1)
    #expect(families.value("souk_ready_condition", ["condition": "work"]) == 1)
    #expect(families.value("souk_probe_wait_seconds_bucket", ["le": "0.5"]) == 0)
    #expect(families.value("souk_probe_wait_seconds_bucket", ["le": "1"]) == 1)
    #expect(families.value("souk_build_info", ["service": "kit-probe", "version": "0.1.0"]) == 1)
    let now = Date().timeIntervalSince1970
    let start = try #require(families.value("process_start_time_seconds"))
    #expect(start > now - 600 && start < now + 5)
    #expect(try #require(families.value("process_resident_memory_bytes")) > 1_000_000)
    #expect(try #require(families.value("process_cpu_seconds_total")) >= 0)
    #expect(try #require(families.value("process_open_fds")) > 2)

    probe.send(SIGTERM)
    _ = try await probe.logged("settling")
    let draining = try await get(base, "readyz")
    #expect(draining.status == 503)
    #expect(draining.body.contains(#"{"name":"drain","ok":false,"reason":"draining"}"#))
    #expect(try await get(base, "livez").status == 200)
  }
}
