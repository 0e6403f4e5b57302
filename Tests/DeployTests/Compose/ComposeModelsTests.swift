import Catalogue
import Testing

@testable import SoukService

/// The demo trains the models that its workers load, on the days before those that its scheduler replays.
@Suite struct ComposeModelsTests {
  let compose: ComposeFile
  let job: ComposeService
  let workers: [ComposeService]

  init() throws {
    compose = try ComposeFile.read()
    job = try #require(compose.service("models"))
    workers = compose.fleet.filter { $0.deployed.program == ServiceCatalogue.inferenceWorker.name }
  }

  /// What follows a flag of a command.
  private func value(of flag: String, in service: ComposeService) throws -> String {
    let command = service.deployed.command
    let place = try #require(command.firstIndex(of: flag), "\(service.name) has no \(flag)")
    return try #require(command.dropFirst(place + 1).first, "\(service.name): \(flag)")
  }

  @Test func theWorkersOfTheDemoReadWhatTheJobWrites() throws {
    let registry = try value(of: "--registry", in: job)
    let volume = try #require(job.tree["volumes"].texts.first { !$0.hasSuffix(":ro") })
    let parts = volume.split(separator: ":").map(String.init)
    try #require(parts.count == 2)
    #expect(registry.hasPrefix(parts[1] + "/"), "\(registry) is not in \(volume)")
    #expect(compose.tree["volumes"].fields.keys.contains(parts[0]))
    let demo = workers.filter { $0.profiles.contains("demo") }
    #expect(Set(demo.compactMap { $0.deployed.environment["KIND"] }) == ["polymer", "shielding", "screening"])
    for worker in demo {
      #expect(worker.profiles == ["demo"], "\(worker.name)")
      #expect(worker.deployed.environment["MODELS"] == "file://\(registry)", "\(worker.name)")
      #expect(worker.tree["volumes"].texts == ["\(volume):ro"], "\(worker.name)")
      #expect(worker.dependencies["models"] != nil, "\(worker.name) does not wait for the models")
    }
  }

  /// Elsewhere models are the operator's, in the object store.
  @Test func onlyTheDemoTrains() {
    #expect(job.profiles == ["demo"])
    for worker in workers where !worker.profiles.contains("demo") {
      #expect(worker.deployed.environment["MODELS"] == nil, "\(worker.name)")
      #expect(worker.dependencies["models"] == nil, "\(worker.name)")
      #expect(worker.deployed.environment["OBJECT_STORE"] != nil, "\(worker.name)")
    }
  }

  @Test func theDaysAreThoseOfSoukUp() throws {
    let scheduler = try #require(compose.service("scheduler-demo"))
    var surroundings = Surroundings()
    surroundings.describeSentinelServices(catalogue: "/etc/souk/markets.yaml", registry: "/registry")
    let ofUp = try #require(surroundings.arguments[ServiceCatalogue.scheduler.name])
    let catalogue = try #require(scheduler.deployed.environment["CATALOGUE"])
    #expect(scheduler.deployed.command.dropFirst() == ofUp[...] && catalogue == surroundings.markets)
    #expect(try value(of: "--until", in: job) == SentinelDays.from)
    let workerOfUp = surroundings.arguments[ServiceCatalogue.inferenceWorker.name] ?? []
    for worker in workers where worker.profiles.contains("demo") {
      let delay = try #require(worker.deployed.environment["DRIVER_DELAY"])
      #expect(workerOfUp.contains(delay), "\(worker.name)")
    }
  }

  /// Training, scheduler and fetcher read one catalogue; its schedules are the embedded ones, as in souk up.
  @Test func theMarketIsOne() throws {
    let catalogue = try value(of: "--catalogue", in: job)
    let scheduler = try #require(compose.service("scheduler-demo"))
    let fetcher = try #require(compose.service("fetcher-demo"))
    let mounts = [job, scheduler, fetcher].map { service in
      service.tree["volumes"].texts.filter { $0.contains(":\(catalogue):") }
    }
    #expect(Set(mounts) == [["./demo/markets.yaml:\(catalogue):ro"]])
    let ofDemo = try YAMLTree.document(Repository.text("compose/demo/markets.yaml"))
    #expect(Set(ofDemo.fields.keys) == ["sources"])
    let providers = try value(of: "--providers", in: job)
    let ofUp = try YAMLTree.document(SentinelSystem.sources(port: 1))
    #expect(
      ofDemo["sources"].items.map { $0["url"].text }
        == ofUp["sources"].items.map { $0["url"].text?.replacing("http://127.0.0.1:1", with: providers) })
  }

  @Test func theImageHasWhatTrainingNeeds() throws {
    let dockerfile = try Dockerfile.read()
    #expect(job.tree["build", "target"].text == "training")
    let stage = dockerfile.stage("training")
    let setting = "ENV TRAINING_PROGRAMS="
    let folder = try #require(stage.first { $0.hasPrefix(setting) }).dropFirst(setting.count)
    #expect(stage.contains("COPY --from=build /src/Services/InferenceWorker/Training/ \(folder)/"))
    let installed = dockerfile.packages(ofStage: "training")
    #expect(installed == ["python3", "python3-numpy", "python3-torch", "python3-xgboost"])
    #expect(try Repository.names(in: "Services/InferenceWorker/Training").contains("train_xgboost.py"))
  }
}
