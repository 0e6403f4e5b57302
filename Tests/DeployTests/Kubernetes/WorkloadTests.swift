import Runtime
import Schemas
import Testing

/// What holds of every pod of every overlay.
@Suite(.serialized) struct WorkloadTests {
  @Test(arguments: Rendering.overlays)
  func everyServiceOfTheCatalogueIsDeployed(overlay: String) async throws {
    let rendering = try await Rendering.overlay(overlay)
    let deployments = rendering.workloads.filter { $0.manifest.kind == "Deployment" }
    #expect(Set(deployments.map(\.deployed.program)) == Set(ServiceCatalogue.all.map(\.name)))
    for deployment in deployments {
      #expect(deployment.labels["app.kubernetes.io/name"] == deployment.deployed.program, "\(deployment.name)")
      let budget = rendering.named("PodDisruptionBudget", deployment.name)
      #expect(budget?.tree["spec", "maxUnavailable"].text == "1", "\(deployment.name)")
      let selected = budget?.tree["spec", "selector", "matchLabels"].fields.compactMapValues(\.text) ?? [:]
      #expect(!selected.isEmpty && selected.allSatisfy { deployment.labels[$0] == $1 }, "\(deployment.name)")
    }
    let selectors = deployments.map { $0.manifest.tree["spec", "selector", "matchLabels"] }
    #expect(Set(selectors).count == deployments.count, "no Deployment takes another's pods")
  }

  @Test(arguments: Rendering.overlays)
  func podsAreLockedDown(overlay: String) async throws {
    for workload in try await Rendering.overlay(overlay).workloads { try check(workload) }
  }

  @Test func thePodsOfTheCronJobAreLockedDown() async throws {
    let rendering = try await ManifestSchemaTests.renderedWithCronJob()
    #expect(rendering.named("Deployment", "crawler") == nil)
    #expect(rendering.named("PodDisruptionBudget", "crawler") == nil)
    let job = try #require(rendering.workloads.first { $0.manifest.kind == "CronJob" })
    #expect(job.deployed.command == ["crawler", "--once"])
    #expect(job.manifest.tree["spec", "concurrencyPolicy"].text == "Forbid")
    try check(job)
    #expect(try await job.deployed.unknownSettings().isEmpty)
    // The same crawler as the Deployment's but for --once.
    let deployed = try #require(try await Rendering.overlay("production").workloads.first { $0.name == "crawler" })
    #expect(job.deployed.environment == deployed.deployed.environment)
    #expect(job.reaches == deployed.reaches)
  }

  private func check(_ workload: Workload) throws {
    let name = workload.name
    let pod = workload.pod["spec"], container = workload.container
    #expect(pod["containers"].items.count == 1, "\(name)")
    #expect(pod["securityContext", "runAsNonRoot"].text == "true", "\(name)")
    #expect(Int(pod["securityContext", "runAsUser"].text ?? "") == 10_001, "\(name)")
    #expect(pod["securityContext", "seccompProfile", "type"].text == "RuntimeDefault", "\(name)")
    #expect(pod["automountServiceAccountToken"].text == "false", "\(name)")
    #expect(pod["hostNetwork"].isNull && pod["hostPID"].isNull, "\(name)")
    #expect(container["securityContext", "allowPrivilegeEscalation"].text == "false", "\(name)")
    #expect(container["securityContext", "readOnlyRootFilesystem"].text == "true", "\(name)")
    #expect(container["securityContext", "capabilities", "drop"].texts == ["ALL"], "\(name)")
    #expect(container["securityContext", "privileged"].isNull, "\(name)")
    for (kind, resource) in [("requests", "cpu"), ("requests", "memory"), ("limits", "cpu"), ("limits", "memory")] {
      #expect(container["resources", kind, resource].text != nil, "\(name) has no \(resource) among its \(kind)")
    }
    #expect(container["image"].text?.contains(/^(registry\.example\.com\/)?souk:[a-z0-9.]+$/) == true, "\(name)")
    #expect(container["image"].text?.hasSuffix(":latest") == false, "\(name)")
    #expect(try Dockerfile.read().products.contains(workload.deployed.program), "\(name)")
  }

  @Test(arguments: Rendering.overlays)
  func servicesAreProbedAndDrained(overlay: String) async throws {
    for workload in try await Rendering.overlay(overlay).workloads where workload.manifest.kind == "Deployment" {
      let name = workload.name, container = workload.container
      #expect(container["startupProbe", "httpGet", "path"].text == "/livez", "\(name)")
      #expect(container["livenessProbe", "httpGet", "path"].text == "/livez", "\(name)")
      #expect(container["readinessProbe", "httpGet", "path"].text == "/readyz", "\(name)")
      #expect(container["ports"].item(named: "http")["containerPort"].text == "8080", "\(name)")
      #expect(workload.deployed.environment["HTTP_PORT"] == nil, "\(name): the probes ask port 8080")
      let drain = try #require(DurationSetting(text: workload.deployed.environment["DRAIN_TIMEOUT"] ?? ""))
      let grace = try #require(Int(workload.pod["spec", "terminationGracePeriodSeconds"].text ?? ""))
      #expect(.seconds(grace) >= drain.duration + .seconds(10), "\(name)")
      let spread = workload.pod["spec", "topologySpreadConstraints"].items.compactMap { $0["topologyKey"].text }
      #expect(Set(spread) == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"], "\(name)")
    }
  }

  @Test(arguments: Rendering.overlays)
  func everySettingIsOneOfTheProgram(overlay: String) async throws {
    for workload in try await Rendering.overlay(overlay).workloads
    where try Repository.hasProgram(workload.deployed.program) {
      let unknown = try await workload.deployed.unknownSettings()
      #expect(unknown.isEmpty, "\(workload.name) is told \(unknown)")
    }
  }

  @Test(arguments: Rendering.overlays)
  func everyValueIsAdmitted(overlay: String) async throws {
    for workload in try await Rendering.overlay(overlay).workloads
    where try workload.entry != nil && Repository.hasProgram(workload.deployed.program) {
      var secrets: [String: String] = [:]
      for folder in workload.secretFolders.keys {
        for value in workload.deployed.environment.values where value.hasPrefix("\(folder)/") {
          secrets[value] = value.hasSuffix(".properties") ? "client.rack=a" : "postgresql://secret"
        }
      }
      let printed = try await workload.deployed.printedConfiguration(secrets: secrets)
      #expect(printed.contains("kafka-properties-file: "), "\(workload.name)")
    }
  }

  /// What is a secret comes from a Secret, and every ConfigMap that is named is there.
  @Test(arguments: Rendering.overlays)
  func settingsAreByReference(overlay: String) async throws {
    let rendering = try await Rendering.overlay(overlay)
    for workload in rendering.workloads {
      for map in workload.configMaps { #expect(rendering.named("ConfigMap", map) != nil, "\(workload.name): \(map)") }
      for (name, value) in workload.deployed.environment where name.hasSuffix("_FILE") {
        #expect(workload.secretFolders.keys.contains { value.hasPrefix("\($0)/") }, "\(workload.name): \(name)")
      }
      let secret = /PASSWORD|TOKEN|SECRET|ACCESS_KEY|DATABASE_URL|REDIS_URL/
      for name in workload.deployed.environment.keys where name.contains(secret) {
        #expect(name.hasSuffix("_FILE"), "\(workload.name): \(name)")
      }
    }
    let secrets = Set(rendering.workloads.flatMap(\.secretFolders.values))
    if overlay == "production" {
      #expect(rendering.all("Secret").isEmpty, "passwords of a real cluster are not in the repository")
      let readme = try Repository.text("k8s/README.md")
      for secret in secrets { #expect(readme.contains("`\(secret)`"), "README.md does not explain Secret \(secret)") }
    } else {
      #expect(secrets == Set(rendering.all("Secret").map(\.name)))
    }
  }

  @Test(arguments: Rendering.overlays)
  func theMigrationIsAJob(overlay: String) async throws {
    let jobs = try await Rendering.overlay(overlay).workloads.filter { $0.manifest.kind == "Job" }
    #expect(jobs.map(\.deployed.command) == [["db-writer", "migrate"]])
    for job in jobs { #expect(job.manifest.tree["spec", "ttlSecondsAfterFinished"].text != nil) }
  }
}
