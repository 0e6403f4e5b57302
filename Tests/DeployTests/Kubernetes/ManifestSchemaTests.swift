import Foundation
import TestSupport
import Testing

/// Every object has the form that the cluster's API asks for.
@Suite struct ManifestSchemaTests {
  /// The oldest Kubernetes that README.md names, and the newest that the validator knows.
  private static let versions = ["1.30.0", "1.37.0"]

  @Test(arguments: [Rendering.Variant.production, .everything], versions)
  func kubernetesAdmitsItsOwnKinds(variant: Rendering.Variant, version: String) async throws {
    let manifests = try await Rendering.of(variant).manifests.filter { !$0.isCustom }
    #expect(manifests.count > 20)
    try await validate(manifests.map(\.text).joined(separator: "\n---\n"), version)
  }

  @Test(arguments: versions) func kubernetesAdmitsTheSecrets(version: String) async throws {
    try await validate(try Repository.text("k8s/secrets.example.yaml"), version)
  }

  private func validate(_ text: String, _ version: String) async throws {
    try await withTemporaryDirectory { folder in
      let file = "\(folder)/manifests.yaml"
      try text.write(toFile: file, atomically: true, encoding: .utf8)
      try await Validator.run(
        "kubernetes-validate", ["--strict", "--kubernetes-version", version, file], package: "kubernetes-validate")
    }
  }

  /// Operators' kinds against closed schemas: a field that the operator's definition does not have is refused. No
  /// registry that the tests may ask has the definitions, so the schemas are derived from those of the releases that
  /// each names, with the day.
  @Test func operatorsAdmitTheirKinds() async throws {
    let schemas = [
      "ScaledObject": "scaled-object", "TriggerAuthentication": "trigger-authentication",
      "ServiceMonitor": "service-monitor", "PrometheusRule": "prometheus-rule", "KafkaTopic": "kafka-topic",
    ]
    let custom = try await (Rendering.of(.everything).manifests + Rendering.topics().manifests).filter(\.isCustom)
    let kinds = Dictionary(grouping: custom, by: \.kind)
    #expect(Set(kinds.keys) == Set(schemas.keys))
    for (kind, manifests) in kinds {
      let schema = Repository.path("Tests/DeployTests/Schemas/\(try #require(schemas[kind], "\(kind)")).json")
      try await withTemporaryDirectory { folder in
        let files = try manifests.enumerated().map { index, manifest in
          let file = "\(folder)/\(index).yaml"
          try manifest.text.write(toFile: file, atomically: true, encoding: .utf8)
          return file
        }
        try await Validator.run("check-jsonschema", ["--schemafile", schema] + files, package: "check-jsonschema")
        // A field of no meaning, in the specification and at the top.
        let text = manifests[0].text
        for wrong in ["painter: 1\n" + text, text.replacing("\nspec:\n", with: "\nspec:\n  painter: 1\n")] {
          try wrong.write(toFile: files[0], atomically: true, encoding: .utf8)
          await #expect(throws: Validator.Complaint.self, "\(kind)") {
            try await Validator.run(
              "check-jsonschema", ["--schemafile", schema, files[0]], package: "check-jsonschema")
          }
        }
      }
    }
  }

  /// README.md names the versions that were tried.
  @Test func theSchemasSayWhatTheyAreOf() throws {
    let readme = try Repository.text("k8s/README.md")
    for name in try Repository.names(in: "Tests/DeployTests/Schemas") {
      let title = try YAMLTree.document(Repository.text("Tests/DeployTests/Schemas/\(name)"))["title"].text ?? ""
      let form = /(Strimzi|KEDA|Prometheus operator) ([0-9.]+).*20[0-9]{2}-[0-9]{2}/
      let match = try #require(title.firstMatch(of: form), "\(title)")
      #expect(readme.contains("\(match.1) \(match.2)"), "\(name): \(title)")
    }
  }
}
