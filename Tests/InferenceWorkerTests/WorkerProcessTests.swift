import ArgumentParser
import Catalogue
@testable import Forecasting
@testable import InferenceWorkerService
import Kafka
import LocalServers
import Messages
import ModelRegistry
import Testing
import TestSupport
import Values

import Glibc

/// The executable, as an operator runs it, on the embedded broker.
@Suite(.serialized) struct WorkerProcessTests {
  /// Members come and go, and three times one is killed: the predictions are those of
  /// one undisturbed worker, to the byte.
  @Test(.timeLimit(.minutes(20))) func killsAndRebalancesChangeNoPrediction() async throws {
    try await withTemporaryDirectory { folder in
      let reference = try WorkerCluster(folder: folder)
      let disturbed = try WorkerCluster(folder: folder)
      try await reference.publish(WorkerCluster.manifest("croston"))
      try await reference.publish(WorkerCluster.manifest("tsb", history: 9, kind: .tsb))
      let hours = 30
      let undisturbed = try await reference.start()
      try await reference.feed(WorkerCluster.demand(WorkerCluster.series, hours: 0..<hours))
      try await reference.awaitCaughtUp()
      #expect(await undisturbed.terminate() == .exited(0))
      let expected = reference.byID
      #expect(expected.count == 2 * hours * WorkerCluster.series.count)
      #expect(reference.predictions.count == expected.count)

      var random = TestRandom("kills")
      var workers = [try await disturbed.start()]
      try await workers[0].awaitReady()
      workers.append(try await disturbed.start())
      for hour in 0..<hours {
        try await disturbed.feed(WorkerCluster.demand(WorkerCluster.series, hours: hour..<(hour + 1)))
        guard hour % 9 == 4 else { continue }
        // Somewhere within the work on what was just fed.
        usleep(UInt32.random(in: 0...60_000, using: &random))
        let victim = Int.random(in: 0..<workers.count, using: &random)
        await workers[victim].kill()
        workers[victim] = try await disturbed.start()
        if hour > 10 {
          try await workers[victim].awaitReady()
          // A proper leave, with a hand-over.
          #expect(await workers[1 - victim].terminate() == .exited(0))
          workers[1 - victim] = try await disturbed.start()
        }
      }
      try await disturbed.awaitCaughtUp()
      for worker in workers { #expect(await worker.terminate() == .exited(0)) }
      #expect(disturbed.byID == expected)
      #expect(disturbed.predictions.contains { $0.withheld == nil })
      await reference.close()
      await disturbed.close()
    }
  }

  /// Both groups predict the series that match both patterns; neither predicts the others.
  @Test(.timeLimit(.minutes(10))) func groupsWithOverlappingPatternsEachGetAllTheirSeries() async throws {
    try await withTemporaryDirectory { folder in
      let cluster = try WorkerCluster(folder: folder)
      try await cluster.publish(WorkerCluster.manifest("one", series: "#"))
      try await cluster.publish(WorkerCluster.manifest("two", series: "#"))
      let series = [
        "mena.egypt.screening.valve", "mena.oman.screening.valve", "mena.egypt.screening.pump",
        "eu.france.screening.pump", "mena.egypt.polymer.valve",
      ]
      let first = try await cluster.start(
        ["--group-id", "first", "--model", "one"], environment: ["LISTEN_TOPIC": "*.egypt.screening.*"])
      let second = try await cluster.start(["--group-id", "second", "--model", "two", "--listen", "mena.#.valve"])
      try await cluster.feed(WorkerCluster.demand(series, hours: 0..<8))
      try await cluster.awaitCaughtUp("first")
      try await cluster.awaitCaughtUp("second", Topics.commodityObservations)
      let made = Dictionary(grouping: cluster.predictions, by: \.model)
        .mapValues { Dictionary(grouping: $0, by: \.series.text).mapValues(\.count) }
      #expect(made == [
        "one": ["mena.egypt.screening.valve": 8, "mena.egypt.screening.pump": 8],
        "two": ["mena.egypt.screening.valve": 8, "mena.oman.screening.valve": 8, "mena.egypt.polymer.valve": 8],
      ])
      #expect(await first.metrics().sum("souk_records_skipped_total", where: ["reason": "not_listened"]) == 16)
      for worker in [first, second] { #expect(await worker.terminate() == .exited(0)) }
      await cluster.close()
    }
  }

  /// Bad records become dead letters, an invalid series is withheld, all others are predicted.
  @Test(.timeLimit(.minutes(10))) func anInvalidSeriesStopsNoOther() async throws {
    try await withTemporaryDirectory { folder in
      let cluster = try WorkerCluster(folder: folder)
      try await cluster.publish(WorkerCluster.manifest("croston"))
      let worker = try await cluster.start()
      let bad = "mena.c0.screening.valve"
      for hour in 0..<10 {
        try await cluster.feed(WorkerCluster.demand(Array(WorkerCluster.series.dropFirst()), hours: hour..<(hour + 1)))
        try await cluster.feed("{\"series\":\"\(bad)\",\"value\":", key: bad)
        // Now in one unit, now in another; and a value whose key is another series'.
        let unit = hour % 2 == 0 ? "pc" : "kg"
        try await cluster.feed([observation(bad, hour: hour, "5", kind: .demand, currency: nil, unit: unit)])
        let stray = observation("mena.c1.screening.valve", hour: hour, "5", kind: .demand)
        try await cluster.feed(String(decoding: stray.encoded(), as: UTF8.self), key: bad)
      }
      try await cluster.awaitCaughtUp()
      let good = cluster.predictions.filter { $0.series.text != bad }
      #expect(good.count == 11 * 10)
      #expect(good.count { $0.withheld == nil } == 11 * 5)
      let poisoned = cluster.predictions.filter { $0.series.text == bad }
      #expect(poisoned.count == 10)
      #expect(poisoned.allSatisfy { $0.steps.isEmpty })
      #expect(Set(poisoned.compactMap(\.withheld)).isSuperset(of: ["unit_changed"]))
      #expect(try await cluster.records(in: Topics.commodityObservations(of: .screening).deadLetterName) == 20)
      #expect(await worker.metrics().sum("souk_predictions_withheld_total", where: ["reason": "unit_changed"]) ?? 0 > 0)
      #expect(await worker.terminate() == .exited(0))
      await cluster.close()
    }
  }

  /// A new version begins between two messages, a bad one never; every message has its prediction.
  @Test(.timeLimit(.minutes(10))) func modelsChangeUnderLoadWithoutLosingAMessage() async throws {
    try await withTemporaryDirectory { folder in
      let cluster = try WorkerCluster(folder: folder)
      let worker = try await cluster.start()
      // Without a model it waits and is not ready.
      try await eventually("not ready for want of a model") {
        await worker.get("/readyz").map { $0.status == 503 && $0.body.contains("models") } ?? false
      }
      let without = try await ServiceProcess.run(
        "inference-worker", ["--kind", "screening", "--models", "file://\(folder)", "--check"],
        environment: cluster.environment)
      #expect(without.status == .exited(78))
      try await cluster.publish(WorkerCluster.manifest("croston"))
      try await worker.awaitReady()
      let hours = 40
      for hour in 0..<hours {
        try await cluster.feed(WorkerCluster.demand(WorkerCluster.series, hours: hour..<(hour + 1)))
        switch hour {
        case 10:
          try await eventually("version 1 is at work") { !cluster.predictions.isEmpty }
          try await cluster.publish(WorkerCluster.manifest("croston", version: "2", history: 7))
        case 20:
          try await eventually("version 2 is in use") {
            await worker.metrics().sum("souk_model_info", where: ["version": "2"]) == 1
          }
          // Longer than the window allows, and one that is not there at all.
          try await cluster.publish(WorkerCluster.manifest("croston", version: "3", history: 65))
          try await eventually("version 3 is refused") {
            await worker.metrics().sum("souk_models_refused_total") ?? 0 >= 1
          }
          try await cluster.registry.makeCurrent("croston", version: "4")
        default: break
        }
      }
      try await cluster.awaitCaughtUp()
      let observations = Set(cluster.predictions.map { "\($0.series) \($0.issuedAt.microseconds)" })
      #expect(observations.count == hours * WorkerCluster.series.count)
      #expect(cluster.predictions.count == observations.count)
      #expect(Set(cluster.predictions.map(\.modelVersion)) == ["1", "2"])
      #expect(await worker.metrics().sum("souk_model_info", where: ["version": "2"]) == 1)
      #expect(await worker.metrics().sum("souk_model_info", where: ["version": "1"]) == 0)
      #expect(await worker.terminate() == .exited(0))
      try await cluster.registry.makeCurrent("croston", version: "2")
      let list = try await ServiceProcess.run("inference-worker", ["models", "list", "--models", "file://\(folder)"])
      #expect(list.output.hasPrefix("croston  2  croston  *.*.screening.*  demand  history 7"), "\(list.errorOutput)")
      let verified = try await ServiceProcess.run(
        "inference-worker", ["models", "verify", "--models", "file://\(folder)"])
      #expect(verified.status == .exited(0))
      try await cluster.registry.makeCurrent("croston", version: "4")
      let bad = try await ServiceProcess.run("inference-worker", ["models", "verify", "--models", "file://\(folder)"])
      #expect(bad.status == .exited(78))
      #expect(bad.output.contains("REFUSED"))
      await cluster.close()
    }
  }

  /// Transactions carry the same predictions, and the offsets with them. That what an aborted one wrote stays unseen,
  /// the embedded broker cannot show.
  @Test(.timeLimit(.minutes(10))) func transactionsCarryTheSamePredictions() async throws {
    try await withTemporaryDirectory { folder in
      let cluster = try WorkerCluster(folder: folder)
      try await cluster.publish(WorkerCluster.manifest("croston"))
      let arguments = ["--delivery", "exactly-once", "--group-instance-id", "one"]
      var worker = try await cluster.start(arguments)
      for hours in [0..<5, 5..<10] {
        try await cluster.feed(WorkerCluster.demand(WorkerCluster.series, hours: hours))
        let expected = hours.upperBound * WorkerCluster.series.count
        try await eventually("\(expected) predictions") { cluster.byID.count == expected }
        try await eventually("the offsets are committed") {
          try await cluster.lag(topics: [Topics.commodityObservations(of: .screening)]) == 0
        }
        #expect(await worker.terminate() == .exited(0))
        guard hours.lowerBound == 0 else { continue }
        // The changelog ends in markers, which the embedded broker does not write.
        for partition in Int32(0)..<4 {
          try TransactionMarker.append(
            to: Topics.seriesWindows.name, partition: partition, at: cluster.broker.bootstrapServers)
        }
        worker = try await cluster.start(arguments)
      }
      #expect(cluster.predictions.count == cluster.byID.count)
      // The second process knew what the first had seen.
      #expect(cluster.predictions.count { $0.withheld == nil } == 5 * WorkerCluster.series.count)
      await cluster.close()
    }
  }

  @Test func wrongSettingsStopTheWorker() async throws {
    for arguments in [["--kind", "steel"], ["--kind", "polymer", "--listen", "*.egypt*"], [],
                      ["--kind", "polymer", "--window", "1"]] {
      let outcome = try await ServiceProcess.run("inference-worker", arguments)
      #expect(outcome.status == .exited(64) || outcome.status == .exited(78), "\(arguments)")
    }
  }
}

@Suite struct WorkerKindTests {
  @Test func groupsAndInputsAreThoseOfTheCatalogue() throws {
    let expected = ServiceCatalogue.inferenceWorker.groups
    let found = try WorkerKind.allCases.map { kind in
      ConsumerGroup(name: kind.group, inputs: try WorkerOptions.parse(["--kind", kind.rawValue]).topics)
    }
    #expect(found == expected)
    #expect(Set(WorkerKind.allCases.flatMap(\.models)) == Set(ModelKind.allCases))
  }
}
