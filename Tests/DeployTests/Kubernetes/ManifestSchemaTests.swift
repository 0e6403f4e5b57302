import Foundation
import TestSupport
import Testing

/// Every object of every overlay has the form that the cluster's API asks for.
@Suite struct ManifestSchemaTests {
  /// The oldest and the newest Kubernetes that the validator knows and the manifests are for.
  @Test(arguments: Rendering.overlays, ["1.29.0", "1.37.0"])
  func kubernetesAdmitsItsOwnKinds(overlay: String, version: String) async throws {
    let manifests = try await Rendering.overlay(overlay).manifests.filter { !$0.isCustom }
    #expect(manifests.count > 20)
    try await validate(manifests, version: version)
  }

  @Test func kubernetesAdmitsTheCronJob() async throws {
    try await validate(try await Self.renderedWithCronJob().manifests.filter { !$0.isCustom }, version: "1.37.0")
  }

  private func validate(_ manifests: [Manifest], version: String) async throws {
    try await withTemporaryDirectory { folder in
      let file = "\(folder)/manifests.yaml"
      try manifests.map(\.text).joined(separator: "\n---\n").write(toFile: file, atomically: true, encoding: .utf8)
      try await Validator.run(
        "kubernetes-validate", ["--strict", "--kubernetes-version", version, file], package: "kubernetes-validate")
    }
  }

  /// Operators' kinds against schemas written from their documentation.
  @Test func operatorsAdmitTheirKinds() async throws {
    let schemas = [
      "ScaledObject": "scaled-object", "TriggerAuthentication": "trigger-authentication",
      "ServiceMonitor": "service-monitor", "KafkaTopic": "kafka-topic",
    ]
    let custom = try await Rendering.overlay("production").manifests.filter(\.isCustom)
    for (kind, manifests) in Dictionary(grouping: custom, by: \.kind) {
      let schema = try #require(schemas[kind], "no schema for \(kind)")
      try await withTemporaryDirectory { folder in
        let files = try manifests.enumerated().map { index, manifest in
          let file = "\(folder)/\(index).yaml"
          try manifest.text.write(toFile: file, atomically: true, encoding: .utf8)
          return file
        }
        try await Validator.run(
          "check-jsonschema",
          ["--schemafile", Repository.path("Tests/DeployTests/Schemas/\(schema).json")] + files,
          package: "check-jsonschema")
      }
    }
    #expect(custom.contains { $0.kind == "ScaledObject" })
    #expect(custom.contains { $0.kind == "ServiceMonitor" })
  }

  @Test func aClusterWithoutOperatorsTakesTheDevelopmentOverlay() async throws {
    let custom = try await Rendering.overlay("dev").manifests.filter(\.isCustom)
    #expect(custom.isEmpty, "\(custom.map(\.kind))")
  }

  /// The overlay for production with the line that the component's comment asks for, in a copy of the manifests.
  static func renderedWithCronJob() async throws -> Rendering {
    try await withTemporaryDirectory { folder in
      try FileManager.default.copyItem(atPath: Repository.path("k8s"), toPath: "\(folder)/k8s")
      let overlay = "\(folder)/k8s/overlays/production"
      let file = try FileHandle(forUpdating: URL(fileURLWithPath: "\(overlay)/kustomization.yaml"))
      try file.seekToEnd()
      try file.write(contentsOf: Data("\ncomponents: [../../components/crawler-cronjob]\n".utf8))
      try file.close()
      return try await Rendering.render(overlay)
    }
  }
}
