import Catalogue

/// A Deployment, StatefulSet, Job or CronJob, its pod and its one container.
struct Workload: Sendable {
  let manifest: Manifest
  /// The template: metadata and spec.
  let pod: YAMLTree
  /// The values of the ConfigMaps that are read whole.
  private let configuration: [String: String]

  init(manifest: Manifest, pod: YAMLTree, in rendering: Rendering) {
    self.manifest = manifest
    self.pod = pod
    var configuration: [String: String] = [:]
    for source in pod["spec", "containers"].items.first?["envFrom"].items ?? [] {
      let map = rendering.named("ConfigMap", source["configMapRef", "name"].text ?? "")
      configuration.merge(map?.tree["data"].fields.compactMapValues(\.text) ?? [:]) { $1 }
    }
    self.configuration = configuration
  }

  var name: String { manifest.name }
  /// Runs a program that is none of the fleet's: what trains models, or Dask.
  var isForeign: Bool {
    container["image"].text?.contains("souk-training:") == true || container["command"].items.first?.text == "dask"
  }
  var labels: [String: String] { pod["metadata", "labels"].fields.compactMapValues(\.text) }
  var container: YAMLTree { pod["spec", "containers"].items.first ?? .null }
  var volumes: YAMLTree { pod["spec", "volumes"] }

  /// What the pod may reach, as its labels say: `postgres`.
  var reaches: Set<String> {
    Set(labels.keys.filter { $0.hasPrefix("souk/reaches-") }.map { String($0.dropFirst("souk/reaches-".count)) })
  }

  /// The names of the ConfigMaps that are read whole.
  var configMaps: [String] { container["envFrom"].items.compactMap { $0["configMapRef", "name"].text } }

  var deployed: DeployedProgram {
    var environment = configuration
    for variable in container["env"].items {
      // What comes from the pod itself has some value or other.
      environment[variable["name"].text ?? ""] = variable["value"].text ?? "from-the-pod"
    }
    return DeployedProgram(
      place: "\(manifest.kind) \(name)", command: container["command"].texts, environment: environment)
  }

  var entry: ServiceEntry? { deployed.isService ? ServiceCatalogue.named(deployed.program) : nil }

  /// Where Secrets lie in the container, and their names.
  var secretFolders: [String: String] {
    var folders: [String: String] = [:]
    for mount in container["volumeMounts"].items {
      let volume = volumes.item(named: mount["name"].text ?? "")
      if let secret = volume["secret", "secretName"].text { folders[mount["mountPath"].text ?? ""] = secret }
    }
    return folders
  }
}
