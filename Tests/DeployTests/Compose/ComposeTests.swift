import Foundation
import Runtime
import Schemas
import TestSupport
import Testing

/// What holds of the compose file, whatever runs on it.
@Suite struct ComposeTests {
  let compose: ComposeFile

  init() throws { compose = try ComposeFile.read() }

  @Test func theSpecificationAdmitsTheFile() async throws {
    try await Validator.run(
      "check-jsonschema", ["--builtin-schema", "vendor.compose-spec", Repository.path(ComposeFile.path)],
      package: "check-jsonschema")
  }

  /// `docker compose up` at the top finds the file through the variables of `.env`.
  @Test func theTopOfTheRepositoryLeadsToIt() throws {
    let variables = try Repository.text(".env").split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(variables.contains("COMPOSE_FILE=\(ComposeFile.path)"))
    let profiles = variables.compactMap { $0.hasPrefix("COMPOSE_PROFILES=") ? String($0.dropFirst(17)) : nil }
    #expect(profiles.count == 1)
    for profile in profiles { #expect(!compose.services(of: profile).isEmpty, "\(profile)") }
  }

  @Test func everyServiceOfTheCatalogueRuns() throws {
    let services = Set(ServiceCatalogue.all.map(\.name))
    for profile in ["all", "demo"] {
      let programs = Set(compose.services(of: profile).filter { compose.fleet.contains($0) }.map(\.deployed.program))
      #expect(programs == services, "profile \(profile)")
    }
  }

  @Test(arguments: FleetSystem.allCases)
  func aProfileRunsWhatSoukUpRuns(system: FleetSystem) throws {
    let inProfile = Set(
      compose.services(of: system.rawValue).filter { compose.fleet.contains($0) }.map(\.deployed.program))
    #expect(inProfile == Set(system.services.map(\.name)))
  }

  @Test func everyProgramIsInTheImage() throws {
    let products = try Dockerfile.read().products
    for service in compose.own { #expect(products.contains(service.deployed.program), "\(service.name)") }
  }

  @Test func versionsArePinned() {
    for service in compose.services {
      let tag = service.image.split(separator: ":").dropFirst().last.map(String.init) ?? ""
      #expect(tag.contains(/^v?[0-9]+\.[0-9]+/), "\(service.name): \(service.image)")
    }
    for service in compose.own {
      let isTraining = service.tree["build", "target"].text == "training"
      #expect(service.image == "souk\(isTraining ? "-training" : ""):\(Souk.version)", "\(service.name)")
    }
  }

  /// Two containers of one service must not want the same name, port of the machine or volume.
  @Test func consumersCanBeScaled() {
    for service in compose.services { #expect(service.tree["container_name"].isNull, "\(service.name)") }
    for service in compose.own {
      #expect(service.tree["ports"].isNull, "\(service.name)")
      let group = ServiceCatalogue.named(service.deployed.program)?.group
      let volumes = service.tree["volumes"].texts
      // A volume without a name is each container's own.
      let shared = volumes.filter { $0.contains(":") && !$0.hasSuffix(":ro") }
      if group != nil { #expect(shared.isEmpty, "\(service.name) writes to \(shared)") }
      for volume in volumes where volume.hasPrefix("./") {
        let file = "compose/\(volume.dropFirst(2).prefix { $0 != ":" })"
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
        if name.contains(/PASSWORD|TOKEN|SECRET|ACCESS_KEY|_URL_FILE/) {
          let file = value.hasPrefix("/run/secrets/") ? String(value.dropFirst(13)) : ""
          #expect(service.secrets.contains(file), "\(service.name): \(name)")
        }
        #expect(!value.contains(/:\/\/[^\/]*:[^\/]*@/), "\(service.name): \(name) holds a password")
      }
    }
    let used = compose.services.reduce(into: Set<String>()) { $0.formUnion($1.secrets) }
    #expect(used == declared)
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
}
