import Catalogue
import Core
import Foundation
import Testing
import TestSupport

/// Rules that the compose file keeps on every engine.
@Suite struct ComposeTests {
  let compose: ComposeFile

  init() throws { compose = try ComposeFile.read() }

  @Test func theSpecificationAdmitsTheFile() async throws {
    try await Validator.run(
      "check-jsonschema", ["--builtin-schema", "vendor.compose-spec", Repository.path(ComposeFile.path)],
      package: "check-jsonschema")
  }

  /// The demo and the real world are two projects, so that invented prices never lie beside real ones; each env file
  /// names its project and its profiles, so that `up`, `ps` and `down` speak of the same services.
  @Test func eachEnvironmentIsAProject() throws {
    var projects: [String: [String]] = [:]
    for file in [".env", "compose/souk.env"] {
      let variables = try Dictionary(
        uniqueKeysWithValues: Repository.text(file).split(separator: "\n").filter { !$0.hasPrefix("#") }
          .map { line in
            let sides = line.split(separator: "=", maxSplits: 1)
            return (String(sides[0]), String(sides[1]))
          })
      #expect(variables["COMPOSE_FILE"] == ComposeFile.path, "\(file)")
      let project = try #require(variables["COMPOSE_PROJECT_NAME"], "\(file)")
      projects[project] = (variables["COMPOSE_PROFILES"] ?? "").split(separator: ",").map(String.init)
    }
    #expect(projects["souk-demo"] == ["demo"])
    let real = try #require(projects["souk"])
    #expect(compose.tree["name"].text == "souk" && !real.isEmpty && !real.contains("demo"))
    for profile in real { #expect(!compose.services(of: profile).isEmpty, "\(profile)") }
    // A volume or network with a name of its own would be shared by both.
    for (name, volume) in compose.tree["volumes"].fields {
      #expect(volume["name"].isNull && volume["external"].isNull, "\(name)")
    }
  }

  /// Two builders of one tag get in each other's way, and a service whose image another builds must not ask a registry.
  @Test func eachImageIsBuiltOnce() throws {
    for (image, services) in Dictionary(grouping: compose.own, by: \.image) {
      let builders = services.filter { !$0.tree["build"].isNull }
      try #require(builders.count == 1, "\(image) is built by \(builders.map(\.name))")
      let target = builders[0].tree["build", "target"].text ?? ""
      #expect(image == "souk\(target == "fleet" ? "" : "-\(target)"):\(Souk.version)", "\(image)")
      #expect(try Dockerfile.read().stages.contains { $0.hasSuffix(" AS \(target)") }, "\(target)")
      for service in services where service != builders[0] {
        #expect(service.tree["pull_policy"].text == "never", "\(service.name)")
        #expect(service.profiles.isSubset(of: builders[0].profiles), "\(service.name) runs without its builder")
      }
    }
  }

  /// What a server reads at its start is mounted; a file that is not there ends Grafana.
  @Test func everyFileThatGrafanaReadsIsMounted() throws {
    let grafana = try #require(compose.service("grafana"))
    var named = 0
    for folder in ["datasources", "dashboards"] {
      for file in try Repository.names(in: "compose/grafana/provisioning/\(folder)") {
        let text = try Repository.text("compose/grafana/provisioning/\(folder)/\(file)")
        for match in text.matches(of: /\$__file\{([^}]+)\}/) {
          named += 1
          let secret = String(match.1).replacing("/run/secrets/", with: "")
          #expect(grafana.secrets.contains(secret), "\(file) reads \(match.1)")
        }
      }
    }
    #expect(named > 0)
  }

  /// Tags that the publishers' own lists showed, and when: library/* in docker-library/official-images, the others in
  /// their publishers' releases.
  private static let published: [String: String] = [
    "prom/prometheus:v2.55.1": "2024-11", "grafana/grafana:11.3.1": "2024-11", "apache/kafka:3.9.0": "2024-11",
    "postgres:15.19-bookworm": "2026-08-22", "redis:8.2.9-bookworm": "2026-08-21", "influxdb:2.8.0": "2026-08-22",
    "chrislusf/seaweedfs:4.44": "2026-08-22", "prom/alertmanager:v0.28.1": "2025-03",
    "kafbat/kafka-ui:v1.5.0": "2026-04-20",
  ]

  @Test func everyForeignImageWasSeenPublished() {
    for service in compose.others {
      #expect(Self.published[service.image] != nil, "\(service.name): is \(service.image) in its publisher's list?")
    }
    #expect(Set(Self.published.keys) == Set(compose.others.map(\.image)))
  }

  /// Redis refuses writes before the kernel kills it, and a health check takes no second heap of the broker's size.
  @Test func memoryIsBelowTheLimits() throws {
    for service in compose.services {
      let command = service.tree["command"].texts
      if let place = command.firstIndex(of: "--maxmemory") {
        let memory = try #require(Self.bytes(command[place + 1]))
        #expect(memory * 4 <= Self.limit(of: service) * 3, "\(service.name)")
      }
      #expect(command.contains("--maxmemory") == command.contains("--maxmemory-policy"), "\(service.name)")
      let environment = service.tree["environment"].fields
      for (name, value) in environment where name.hasSuffix("_HEAP_OPTS") {
        let heap = try #require(value.text?.firstMatch(of: /-Xmx([0-9]+[kmg])/).flatMap { Self.bytes($0.1) })
        let check = service.tree["healthcheck", "test"].texts.joined(separator: " ")
        let own = try #require(
          check.firstMatch(of: /_HEAP_OPTS=-Xmx([0-9]+[kmg])/).flatMap { Self.bytes($0.1) },
          "\(service.name): its health check takes the heap of \(name)")
        #expect((heap + own) * 4 <= Self.limit(of: service) * 3, "\(service.name)")
      }
    }
  }

  /// What README.md says the demo may take at most.
  @Test func theMemoryOfTheDemoIsStated() throws {
    let demo = compose.services(of: "demo")
    let mebibytes = demo.reduce(0) { $0 + Self.limit(of: $1) } >> 20
    let total = (Double(mebibytes) / 1_024 * 10).rounded(.up) / 10
    #expect(try Repository.text("compose/README.md").contains(
      "\(demo.count) containers, whose limits add up to \(total) GiB"), "\(demo.count), \(total)")
  }

  private static func limit(of service: ComposeService) -> Int {
    bytes(service.tree["deploy", "resources", "limits", "memory"].text ?? "") ?? 0
  }

  /// `320mb`, `1536M`, `64m`.
  private static func bytes(_ text: some StringProtocol) -> Int? {
    guard let match = String(text).lowercased().wholeMatch(of: /([0-9]+)([kmg])b?/), let number = Int(match.1) else {
      return nil
    }
    return number << (match.2 == "k" ? 10 : match.2 == "m" ? 20 : 30)
  }

  @Test func versionsArePinned() {
    for service in compose.services {
      let tag = service.image.split(separator: ":").dropFirst().last.map(String.init) ?? ""
      #expect(tag.contains(/^v?[0-9]+\.[0-9]+/), "\(service.name): \(service.image)")
    }
  }

  /// Two containers of one service must not want the same name, port of the machine or volume.
  @Test func consumersCanBeScaled() {
    for service in compose.services { #expect(service.tree["container_name"].isNull, "\(service.name)") }
    for service in compose.own {
      // A range of the machine's ports has one for each.
      #expect(service.tree["ports"].texts.allSatisfy { $0.contains(/:[0-9]+-[0-9]+:/) }, "\(service.name)")
      let group = ServiceCatalogue.named(service.deployed.program)?.group
      let volumes = service.tree["volumes"].texts
      // A volume without a name is each container's own.
      let shared = volumes.filter { $0.contains(":") && !$0.hasSuffix(":ro") }
      if group != nil { #expect(shared.isEmpty, "\(service.name) writes to \(shared)") }
      for volume in volumes where volume.hasPrefix(".") {
        let file = "compose/\(volume.prefix { $0 != ":" })"
        #expect(FileManager.default.fileExists(atPath: Repository.path(file)), "\(service.name): \(file)")
      }
      #expect(service.deployed.environment["GROUP_INSTANCE_ID"] == nil, "\(service.name): the same for each replica")
    }
  }

  @Test func onlyThisMachineReachesThePorts() {
    for service in compose.services {
      for port in service.tree["ports"].texts { #expect(port.hasPrefix("127.0.0.1:"), "\(service.name): \(port)") }
    }
  }

  @Test func ownContainersAreLockedDown() {
    for service in compose.own {
      #expect(service.tree["read_only"].text == "true", "\(service.name)")
      #expect(service.tree["cap_drop"].texts == ["ALL"], "\(service.name)")
      #expect(service.tree["security_opt"].texts.contains("no-new-privileges:true"), "\(service.name)")
      #expect(service.tree["privileged"].isNull && service.tree["user"].isNull, "\(service.name)")
      #expect(service.tree["tmpfs"].texts.contains { $0.hasPrefix("/tmp") }, "\(service.name)")
    }
  }

  @Test func everyContainerHasALimitAndAnEnd() throws {
    for service in compose.services {
      #expect(service.tree["deploy", "resources", "limits", "memory"].text != nil, "\(service.name)")
      #expect(service.tree["deploy", "resources", "limits", "cpus"].text != nil, "\(service.name)")
      #expect(!service.tree["healthcheck"].isNull, "\(service.name)")
    }
    for service in compose.fleet {
      let drain = DurationSetting(text: service.deployed.environment["DRAIN_TIMEOUT"] ?? "")
      let grace = DurationSetting(text: service.tree["stop_grace_period"].text ?? "")
      #expect((grace?.duration ?? .zero) > (drain?.duration ?? .seconds(1_000)), "\(service.name)")
      #expect(service.tree["healthcheck", "test"].texts == ["CMD", "souk", "health", "/readyz"], "\(service.name)")
    }
  }

  /// Nothing waits for what its profile does not start, and nothing starts before what it needs is healthy or done.
  @Test func theStartIsGated() throws {
    for service in compose.services {
      for (name, dependency) in service.dependencies {
        let other = try #require(compose.service(name), "\(service.name) waits for \(name)")
        #expect(service.profiles.isSubset(of: other.profiles), "\(service.name) waits for \(name)")
        let condition = other.isJob ? "service_completed_successfully" : "service_healthy"
        #expect(dependency["condition"].text == condition, "\(service.name) waits for \(name)")
      }
    }
    for service in compose.fleet { #expect(service.dependencies["topics"] != nil, "\(service.name)") }
    let jobs = compose.own.filter(\.isJob)
    #expect(Set(jobs.map(\.name)) == ["topics", "migrate", "models"])
    for job in jobs { #expect(job.tree["restart"].isNull, "\(job.name) runs once") }
  }

  @Test func passwordsComeFromFiles() throws {
    let declared = Set(compose.tree["secrets"].fields.keys)
    for service in compose.services {
      #expect(service.secrets.isSubset(of: declared), "\(service.name)")
      for (name, value) in service.deployed.environment {
        // The demo's simulator of feeds takes any login.
        if name == "FEED_SECRET", service.profiles == ["demo"] { continue }
        if name.contains(/PASSWORD|TOKEN|SECRET|ACCESS_KEY|_URL_FILE/) {
          let file = value.hasPrefix("/run/secrets/") ? String(value.dropFirst(13)) : ""
          #expect(service.secrets.contains(file), "\(service.name): \(name)")
        }
        #expect(!value.contains(/:\/\/[^\/]*:[^\/]*@/), "\(service.name): \(name) holds a password")
      }
    }
    let used = compose.services.reduce(into: Set<String>()) { $0.formUnion($1.secrets) }
    #expect(used == declared)
    for name in declared {
      let file = "compose/" + (compose.tree["secrets", name, "file"].text ?? "")
      let mode = try FileManager.default.attributesOfItem(atPath: Repository.path(file))[.posixPermissions] as? Int
      #expect((mode ?? 0) & 0o004 != 0, "\(file) cannot be read by the users that the servers drop to")
    }
    for user in ["472", "999", "1000", "10001"] {
      #expect(try Repository.text("compose/README.md").contains(user), "the user \(user)")
    }
    let secrets = try compose.secrets()
    #expect(secrets["/run/secrets/database_url"]?.contains(secrets["/run/secrets/postgres_password"] ?? "?") == true)
    #expect(secrets["/run/secrets/redis_url"]?.contains("local-only") == true)
    for file in ["s3_access_key", "s3_secret_key"] {
      #expect(secrets["/run/secrets/s3_config"]?.contains("\"\(secrets["/run/secrets/\(file)"] ?? "?")\"") == true)
    }
  }

  /// Only the demo's services may look at private addresses: elsewhere, links are written by others.
  @Test func privateAddressesAreForTheDemo() {
    for service in compose.own where service.deployed.environment["ALLOW_PRIVATE_ADDRESSES"] != nil {
      #expect(service.profiles == ["demo"], "\(service.name)")
    }
  }

  @Test func everySettingIsOneOfTheProgram() async throws {
    // Dask's programs have no settings of ours.
    for service in compose.own where service.deployed.program != "dask" {
      let unknown = try await service.deployed.unknownSettings()
      #expect(unknown.isEmpty, "\(service.name) has unknown settings: \(unknown)")
    }
  }

  @Test func everyValueIsAdmitted() async throws {
    let secrets = try compose.secrets()
    for service in compose.fleet {
      let mounted = secrets.filter { service.secrets.contains(String($0.key.dropFirst(13))) }
      let printed = try await service.deployed.printedConfiguration(secrets: mounted)
      #expect(printed.contains("kafka-bootstrap-servers: kafka:9092"), "\(service.name)")
      #expect(!printed.contains("local-only"), "\(service.name) prints a secret")
    }
  }
}
