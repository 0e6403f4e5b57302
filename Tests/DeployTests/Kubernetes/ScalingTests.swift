import Schemas
import Testing

/// Consumers grow with their lag, and never beyond what their partitions can feed.
@Suite struct ScalingTests {
  @Test func everyConsumerScalesWithItsOwnLag() async throws {
    let rendering = try await Rendering.of(.production)
    for deployment in rendering.services {
      let entry = try #require(deployment.entry, "\(deployment.name)")
      let scaler = rendering.named("ScaledObject", deployment.name)
      guard let group = entry.group, !entry.isSource else {
        #expect(scaler == nil, "\(deployment.name) does not share its work")
        #expect(!deployment.manifest.tree["spec", "replicas"].isNull, "\(deployment.name)")
        continue
      }
      let spec = try #require(scaler, "\(deployment.name)").tree["spec"]
      #expect(spec["scaleTargetRef", "name"].text == deployment.name)
      #expect(spec["scaleTargetRef", "kind"].text ?? "Deployment" == deployment.manifest.kind, "\(deployment.name)")
      #expect(deployment.manifest.tree["spec", "replicas"].isNull, "\(deployment.name): KEDA says how many")
      var topics: Set<String> = []
      for trigger in spec["triggers"].items {
        let metadata = trigger["metadata"]
        topics.insert(metadata["topic"].text ?? "")
        #expect(metadata["consumerGroup"].text == deployment.deployed.environment["GROUP_ID"] ?? group)
        let server = metadata["bootstrapServersFromEnv"].text ?? ""
        #expect(deployment.deployed.environment[server] != nil, "\(deployment.name)")
        let login = trigger["authenticationRef", "name"].text ?? ""
        #expect(rendering.named("TriggerAuthentication", login) != nil, "\(deployment.name)")
      }
      // All it reads; of the workers, each group its own part.
      let inputs = Set(entry.inputs.map(\.name))
      let watched = deployment.labels["souk/group"] == nil ? topics.isSuperset(of: inputs) : topics.isSubset(of: inputs)
      #expect(watched && !topics.isEmpty, "\(deployment.name) watches \(topics.sorted())")
      for topic in topics { #expect(Topics.named(topic) != nil, "\(deployment.name): \(topic)") }
      // A member more than there are partitions would only wait.
      let partitions = entry.inputs.map(\.partitions).min() ?? 0
      let most = try #require(Int32(spec["maxReplicaCount"].text ?? ""))
      let least = try #require(Int32(spec["minReplicaCount"].text ?? ""))
      #expect(most <= partitions, "\(deployment.name)")
      #expect(least >= 1 && least <= most, "\(deployment.name)")
    }
  }

  @Test func aServiceWithOneTopicWatchesIt() async throws {
    let rendering = try await Rendering.of(.production)
    for entry in ServiceCatalogue.all where entry.group != nil && !entry.isSource && entry.inputs.count == 1 {
      let topics = rendering.named("ScaledObject", entry.name)?.tree["spec", "triggers"].items
        .compactMap { $0["metadata", "topic"].text }
      #expect(topics == [entry.inputs[0].name], "\(entry.name)")
    }
  }

  /// The operator makes the topics as the catalogue has them.
  @Test func topicsAreThoseOfTheCatalogue() async throws {
    let topics = try await Rendering.topics().all("KafkaTopic").map { $0.tree["spec"] }
    #expect(Set(topics.compactMap { $0["topicName"].text }) == Set(Topics.allWithDeadLetters.map(\.name)))
    for spec in topics {
      let topic = try #require(Topics.named(spec["topicName"].text ?? ""))
      #expect(spec["partitions"].text == "\(topic.partitions)", "\(topic.name)")
    }
  }

  /// Partitions that move cost a reread: down slowly, and nothing ever goes to zero.
  @Test func scalingDownIsSlow() async throws {
    for scaler in try await Rendering.of(.production).all("ScaledObject") {
      let down = scaler.tree["spec", "advanced", "horizontalPodAutoscalerConfig", "behavior", "scaleDown"]
      #expect(Int(down["stabilizationWindowSeconds"].text ?? "") ?? 0 >= 300, "\(scaler.name)")
      #expect(down["policies"].items.count == 1, "\(scaler.name)")
      #expect(down["policies"].items.first?["value"].text == "1", "\(scaler.name)")
    }
  }

  /// Those that keep something open or in memory for their partitions keep their place in the group over a restart or a
  /// roll-out: their pods have names that stay.
  @Test func statefulConsumersAreStaticMembers() async throws {
    for workload in try await Rendering.of(.everything).workloads where !workload.isTraining {
      let isStateful = workload.entry.map { ["s3-consumer", "inference-worker"].contains($0.name) } ?? false
      #expect((workload.manifest.kind == "StatefulSet") == isStateful, "\(workload.name)")
      let service = workload.manifest.tree["spec", "serviceName"].text
      #expect(service == (isStateful ? "souk-metrics" : nil), "\(workload.name)")
      let variable = workload.container["env"].item(named: "GROUP_INSTANCE_ID")
      #expect(!variable.isNull == isStateful, "\(workload.name)")
      if isStateful { #expect(variable["valueFrom", "fieldRef", "fieldPath"].text == "metadata.name") }
    }
  }
}
