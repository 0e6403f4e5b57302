import Testing

/// Consumers grow with their lag, and never beyond what their partitions can feed.
@Suite struct ScalingTests {
  /// What the scalers name is there, and nothing else says how many.
  @Test func scalersNameWhatIsThere() async throws {
    let rendering = try await Rendering.of(.production)
    for scaler in rendering.all("ScaledObject") {
      let spec = scaler.tree["spec"], target = spec["scaleTargetRef"]
      let workload = try #require(
        rendering.services.first { $0.name == target["name"].text }, "\(scaler.name)")
      #expect(workload.manifest.kind == target["kind"].text ?? "Deployment", "\(scaler.name)")
      #expect(workload.manifest.tree["spec", "replicas"].isNull, "\(scaler.name)")
      let least = try #require(Int(spec["minReplicaCount"].text ?? ""))
      let most = try #require(Int(spec["maxReplicaCount"].text ?? ""))
      #expect(least >= 1 && least <= most, "\(scaler.name)")
      #expect(!spec["triggers"].items.isEmpty, "\(scaler.name)")
      for trigger in spec["triggers"].items {
        let variable = trigger["metadata", "bootstrapServersFromEnv"].text ?? ""
        #expect(workload.deployed.environment[variable] != nil, "\(scaler.name)")
        let login = trigger["authenticationRef", "name"].text ?? ""
        #expect(rendering.named("TriggerAuthentication", login) != nil, "\(scaler.name)")
        #expect(trigger["metadata", "offsetResetPolicy"].text == "earliest", "\(scaler.name)")
      }
    }
  }

  /// The scalers ask for what the services read and commit behind the prefix, each name once changed.
  @Test func aPrefixIsInEveryTrigger() async throws {
    let plain = try await Rendering.of(.production)
    let rendering = try await Rendering.production(with: "topic-prefix")
    for scaler in rendering.all("ScaledObject") {
      let before = try #require(plain.named("ScaledObject", scaler.name)).tree["spec", "triggers"].items
      let triggers = scaler.tree["spec", "triggers"].items
      #expect(triggers.count == before.count)
      for (trigger, before) in zip(triggers, before) {
        for name in ["topic", "consumerGroup"] {
          #expect(trigger["metadata", name].text == before["metadata", name].text.map { "staging." + $0 })
        }
      }
    }
    for service in rendering.services {
      #expect(service.deployed.environment["TOPIC_PREFIX"] == "staging.", "\(service.manifest.name)")
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
}
