import ArgumentParser
import Catalogue
import Core
import Foundation
import KafkaFlags
import LocalServers
import Reference
import Testing
import TestSupport

@testable import SoukService

/// A service that is an entry of the catalogue and nothing else appears in everything that runs the fleet.
@Suite struct FreshEntryTests {
  private static let painter = ServiceEntry(
    "painter", "paints bars", of: [.egx], reads: [Topics.marketData], sink: .influx, needs: [.redis, .internet],
    scaling: .byLag(70), resources: ContainerResources(cpu: 70, memory: 70, limit: 700),
    settings: [FleetSetting("COLOUR", "red"), .choice("EASEL", "oak", "PAINTER_EASEL")],
    volumes: [.scratch("/var/lib/souk", gibibytes: 2), .kept("/var/lib/easel", name: "easel")],
    note: "It paints what it reads.")

  /// A copy of what runs the fleet, written for a catalogue with the painter.
  private func withFleet(_ body: (_ folder: String) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
      for part in ["k8s", "compose", "Makefile"] {
        try FileManager.default.copyItem(atPath: Repository.path(part), toPath: "\(folder)/\(part)")
      }
      let documents = try References.fleet(root: folder, services: ServiceCatalogue.all + [Self.painter])
      for document in documents where document.isStale { try document.write(below: folder) }
      try await body(folder)
    }
  }

  @Test func kubernetesRunsBudgetsAndScalesIt() async throws {
    try await withFleet { folder in
      let rendering = try await Rendering.render("\(folder)/k8s/overlays/production")
      let workload = try #require(rendering.services.first { $0.name == "painter" })
      #expect(workload.manifest.kind == "Deployment" && workload.deployed.command == ["painter"])
      #expect(workload.labels["app.kubernetes.io/part-of"] == "souk", "the Service of the monitor selects by it")
      #expect(workload.reaches == ["influxdb", "redis", "internet"])
      let expected = [
        "COLOUR": "red", "EASEL": "oak", "REDIS_URL_FILE": "/run/secrets/redis/url",
        "INFLUX_TOKEN_FILE": "/run/secrets/influx/token", "INFLUX_BUCKET": "egx", "DRAIN_TIMEOUT": "25s",
      ]
      for (name, value) in expected { #expect(workload.deployed.environment[name] == value, "\(name)") }
      #expect(workload.deployed.environment["DATABASE_URL_FILE"] == nil)
      #expect(workload.secretFolders.values.sorted() == ["souk-influx", "souk-kafka", "souk-redis"])
      #expect(workload.container["resources", "limits", "memory"].text == "700Mi")
      #expect(workload.volumes.item(named: "scratch")["emptyDir", "sizeLimit"].text == "2Gi")
      let budget = rendering.named("PodDisruptionBudget", "painter")?.tree["spec"]
      #expect(budget?["maxUnavailable"].text == "1")
      #expect(budget?["selector", "matchLabels", "app.kubernetes.io/instance"].text == "painter")
      let scaler = try #require(rendering.named("ScaledObject", "painter")).tree["spec"]
      #expect(scaler["maxReplicaCount"].text == "\(Topics.marketData.partitions)")
      #expect(scaler["triggers"].items == [.mapping([
        "type": .text("kafka"), "authenticationRef": .mapping(["name": .text("souk-kafka")]),
        "metadata": .mapping([
          "consumerGroup": .text("painter"), "topic": .text(Topics.marketData.name), "lagThreshold": .text("70"),
          "bootstrapServersFromEnv": .text("KAFKA_BOOTSTRAP_SERVERS"), "offsetResetPolicy": .text("earliest"),
        ]),
      ])])
      let own = rendering.manifests.filter { $0.name == "painter" && !$0.isCustom }.map(\.text)
      let file = "\(folder)/painter.yaml"
      try own.joined(separator: "\n---\n").write(toFile: file, atomically: true, encoding: .utf8)
      try await Validator.run("kubernetes-validate", ["--strict", file], package: "kubernetes-validate")
    }
  }

  @Test func composeRunsItWithItsServers() async throws {
    try await withFleet { folder in
      let file = "\(folder)/\(ComposeFile.path)"
      try await Validator.run(
        "check-jsonschema", ["--builtin-schema", "vendor.compose-spec", file], package: "check-jsonschema")
      let compose = try ComposeFile(text: String(contentsOfFile: file, encoding: .utf8))
      let service = try #require(compose.service("painter"))
      #expect(service.profiles == ["egx", "all", "demo"] && service.isOwn && service.deployed.command == ["painter"])
      let expected = [
        "COLOUR": "red", "EASEL": "oak", "REDIS_URL_FILE": "/run/secrets/redis_url", "INFLUX_BUCKET": "egx",
        "DRAIN_TIMEOUT": "25s",
      ]
      for (name, value) in expected { #expect(service.deployed.environment[name] == value, "\(name)") }
      #expect(service.secrets == ["redis_url", "influx_token"])
      #expect(Set(service.dependencies.keys) == ["topics", "redis", "influxdb"])
      #expect(service.tree["volumes"].texts == ["/var/lib/souk", "easel:/var/lib/easel"])
      #expect(compose.tree["volumes"].fields.keys.contains("easel"))
      // Of the exchange, nothing else asks Redis.
      #expect(try #require(compose.service("redis")).profiles.contains("egx"))
      let text = try String(contentsOfFile: file, encoding: .utf8)
      #expect(text.contains("      EASEL: ${PAINTER_EASEL:-oak}\n") && text.contains("  # It paints what it reads.\n"))
    }
  }

  @Test func prometheusTheImageAndTheTablesNameIt() async throws {
    try await withFleet { folder in
      func text(_ path: String) throws -> String { try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8) }
      let jobs = try YAMLTree.document(text("compose/prometheus/prometheus.yml"))["scrape_configs"].items
      #expect(jobs[0]["dns_sd_configs"].items[0]["names"].texts.contains("painter"))
      let image = Dockerfile(text: try text(Dockerfile.path))
      #expect(image.products == Set(ServiceCatalogue.all.map(\.name) + ["painter", "souk"]))
      #expect(try text("Makefile").contains("PRODUCTS_egx := egx-producer influx-consumer s3-consumer painter\n"))
      #expect(try text("compose/README.md").contains("s3-consumer, painter | Kafka, Redis, InfluxDB, S3 |"))
      let table = CatalogueTables.services([Self.painter]) { "Services/\($0.name)" }
      #expect(table.contains("| [`painter`](painter/README.md) | paints bars | `egx_market_data` | - | InfluxDB |"))
    }
  }

  @Test func soukUpTellsItWhereItsServersAre() throws {
    var surroundings = Surroundings()
    surroundings.describeEveryService(drainTimeout: DurationSetting(.seconds(25)))
    surroundings.useEmbeddedBroker("127.0.0.1:1", try FleetNameOptions.parse(["--topic-prefix", "studio."]))
    surroundings.servers[.redis] = ["REDIS_URL": "redis://here"]
    surroundings.servers[.influx] = ["INFLUX_URL": "http://here"]
    surroundings.servers[.postgres] = ["DATABASE_URL": "postgresql://here"]
    let plan = FleetPlan(
      services: FleetSystem.egx.services + [Self.painter], replicas: try Replicas(text: ""), surroundings: surroundings
    ) { 1 }
    let process = try #require(plan.processes.first)
    #expect(process.name == "painter" && process.service == "painter")
    let expected = [
      "COLOUR": "red", "REDIS_URL": "redis://here", "INFLUX_URL": "http://here",
      "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "TOPIC_PREFIX": "studio.", "DRAIN_TIMEOUT": "25s",
    ]
    for (name, value) in expected { #expect(process.environment[name] == value, "\(name)") }
    #expect(process.environment["DATABASE_URL"] == nil, "it needs no database")
    #expect(process.environment["EASEL"] == nil, "the operator's choice for the real world")
    #expect(process.environment["REDIS_URL_FILE"] == .some(nil), "the caller's would contradict it")
  }
}
