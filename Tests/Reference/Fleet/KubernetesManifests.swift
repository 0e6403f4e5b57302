import Catalogue

/// The services of the catalogue as components of Kustomize: for each service its workloads, disruption budgets and
/// scalers, for each system a list of its services. What all of them have in common is in `k8s/components/common`.
package struct KubernetesManifests: Sendable {
  package let services: [ServiceEntry]

  package init(_ services: [ServiceEntry] = ServiceCatalogue.all) { self.services = services.flatMap(\.parts) }

  /// The first words of every file; a file that begins with them and is not written any more goes.
  package static let mark = "# Made by `make reference` from"
  static let folder = "k8s/components"

  /// What is written, by its path from the top of the repository.
  package func files() -> [String: String] {
    var files: [String: String] = [:]
    for component in components {
      files["\(Self.folder)/\(component.name)/kustomization.yaml"] = kustomization(component)
      for service in component.services {
        files["\(Self.folder)/\(component.name)/\(service.name).yaml"] = manifest(of: service)
      }
    }
    return files
  }

  /// One for each system, and one for each service that several systems share.
  private var components: [(name: String, note: String, services: [ServiceEntry])] {
    let shared = services.filter { $0.systems.count > 1 }
    return FleetSystem.allCases.map { system in
      let with = shared.filter { $0.systems.contains(system) }.map { "`\($0.name)`" }.joined(separator: ", ")
      return (
        system.rawValue, "\(system.summary)\(with.isEmpty ? "" : "; with \(with)").\n\(system.note)",
        services.filter { $0.systems == [system] })
    } + shared.map { service in
      (service.name, "What \(service.systems.map { "`\($0)`" }.joined(separator: " and ")) share.", [service])
    }
  }

  private func kustomization(_ component: (name: String, note: String, services: [ServiceEntry])) -> String {
    var text = """
      \(Self.mark) the catalogue of services (Shared/Catalogue): change that.
      \(component.note.commented)
      apiVersion: kustomize.config.k8s.io/v1alpha1
      kind: Component
      resources:
      \(component.services.map { "  - \($0.name).yaml\n" }.joined())
      """
    let chosen = component.services.filter { !$0.choices.isEmpty }
    let readers = component.services.filter(\.readsMarkets).map(\.name)
    if !chosen.isEmpty || !readers.isEmpty { text += "configMapGenerator:\n" }
    for service in chosen {
      text += "  - name: \(service.name)\n    literals:\n"
      text += service.choices.map { "      - \($0.name)=\($0.value)\n" }.joined()
    }
    if !readers.isEmpty {
      text += """
          # Who is asked for prices of materials: a file, read by \(readers.joined(separator: " and ")).
          - name: markets
            files: [markets.yaml]

        """
    }
    return text
  }

  func manifest(of service: ServiceEntry) -> String {
    let head = "\(Self.mark) the entry of \(service.name) (Shared/Catalogue): change that.\n"
    return head + service.note.commented.terminated + service.workloads.map { workload in
      [controller(service, workload), budget(workload), scaler(service, workload), door(service)].compactMap { $0 }
        .joined(separator: "---\n")
    }.joined(separator: "---\n")
  }

  // MARK: - Deployment or StatefulSet

  private func controller(_ service: ServiceEntry, _ workload: FleetWorkload) -> String {
    let name = "app.kubernetes.io/name: \(service.name)", instance = "app.kubernetes.io/instance: \(workload.name)"
    let labels = [name, instance] + (workload.kind.map { ["souk/group: \($0)"] } ?? [])
      + Dependency.allCases.filter { $0 != .kafka && service.needs.union(service.optional).contains($0) }
      .map { "souk/reaches-\($0.rawValue): \"true\"" }
      + (service.image == .fleet ? [] : ["souk/image: \(service.image.rawValue)"])
    let resources = service.resources
    return """
      apiVersion: apps/v1
      kind: \(service.isStateful ? "StatefulSet" : "Deployment")
      metadata:
        name: \(workload.name)
        labels: &labels
      \(labels.map { "    \($0)\n" }.joined())spec:
      \(replicas(service))  selector:
          matchLabels: {\(name), \(instance)}
        template:
          metadata: {labels: *labels}
          spec:
            containers:
              - name: service
                command: [\(service.name)]
                envFrom:
      \(service.configMaps.map { "            - configMapRef: {name: \($0)}\n" }.joined())\
      \(environment(service, workload))\
                resources:
                  requests: {cpu: \(resources.cpu)m, memory: \(resources.memory.mebibytes)}
                  limits: {cpu: "2", memory: \(resources.memoryLimit.mebibytes)}
      \(volumes(service))
      """
  }

  private func replicas(_ service: ServiceEntry) -> String {
    switch service.scaling {
    case .single: "  replicas: 1\n  strategy: {type: Recreate}\n"
    case .activeStandby, .replicated: "  replicas: 2\n"
    case .byLag: ""
    }
  }

  private func environment(_ service: ServiceEntry, _ workload: FleetWorkload) -> String {
    var lines: [String] = []
    let settings = service.settings.filter { $0.variable == nil && $0.places.contains(.kubernetes) }
    for setting in (settings + workload.settings).unique {
      lines += setting.note.isEmpty ? [] : ["# \(setting.note)"]
      lines.append("- {name: \(setting.name), value: \(setting.value.yaml)}")
    }
    if service.readsMarkets { lines.append("- {name: CATALOGUE, value: /etc/souk/markets.yaml}") }
    return lines.isEmpty ? "" : "          env:\n" + lines.map { "            \($0)\n" }.joined()
  }

  private func volumes(_ service: ServiceEntry) -> String {
    var mounts: [String] = [], volumes: [String] = []
    for case .scratch(let path, let gibibytes) in service.volumes {
      mounts.append("{name: scratch, mountPath: \(path)}")
      volumes.append("{name: scratch, emptyDir: {sizeLimit: \(gibibytes)Gi}}")
    }
    if service.readsMarkets {
      mounts.append("{name: markets, mountPath: /etc/souk, readOnly: true}")
      volumes.append("{name: markets, configMap: {name: markets}}")
    }
    guard !mounts.isEmpty else { return "" }
    return "          volumeMounts:\n" + mounts.map { "            - \($0)\n" }.joined()
      + "      volumes:\n" + volumes.map { "        - \($0)\n" }.joined()
  }

  // MARK: - Service

  /// A name for all of its pods, and leave for every pod of the cluster to ask them.
  private func door(_ service: ServiceEntry) -> String? {
    service.serves.map { port in
      """
      apiVersion: v1
      kind: Service
      metadata: {name: \(service.name)}
      spec:
        selector: {app.kubernetes.io/name: \(service.name)}
        ports: [{name: api, port: 80, targetPort: \(port)}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: \(service.name)}
      spec:
        podSelector: {matchLabels: {app.kubernetes.io/name: \(service.name)}}
        policyTypes: [Ingress]
        ingress: [{from: [{namespaceSelector: {}}], ports: [{protocol: TCP, port: \(port)}]}]

      """
    }
  }

  // MARK: - Disruption budget and scaler

  private func budget(_ workload: FleetWorkload) -> String {
    """
    apiVersion: policy/v1
    kind: PodDisruptionBudget
    metadata: {name: \(workload.name)}
    spec:
      selector: {matchLabels: {app.kubernetes.io/instance: \(workload.name)}}

    """
  }

  /// Never more members than there are partitions: one more would only wait.
  private func scaler(_ service: ServiceEntry, _ workload: FleetWorkload) -> String? {
    guard case .byLag(let records, let others) = service.scaling, let group = workload.group else { return nil }
    let triggers = group.inputs.map { topic in
      """
          - type: kafka
            metadata: {consumerGroup: \(group.name), topic: \(topic.name), lagThreshold: "\(others[topic] ?? records)"}

      """
    }
    return """
      apiVersion: keda.sh/v1alpha1
      kind: ScaledObject
      metadata: {name: \(workload.name)}
      spec:
        scaleTargetRef: {\(service.isStateful ? "kind: StatefulSet, " : "")name: \(workload.name)}
        maxReplicaCount: \(group.inputs.map(\.partitions).min() ?? 1)
        triggers:
      \(triggers.joined())
      """
  }
}

extension ServiceEntry {
  /// What the operator chooses, which an overlay replaces in the ConfigMap of the service's name.
  fileprivate var choices: [FleetSetting] {
    settings.filter { $0.variable != nil && $0.places.contains(.kubernetes) }
  }

  fileprivate var configMaps: [String] {
    ["souk-common"] + (needs.contains(.objectStore) ? ["souk-object-store"] : [])
      + (needs.contains(.influx) ? ["souk-influx"] : []) + (choices.isEmpty ? [] : [name])
  }
}

extension FleetSystem {
  /// For the head of a component.
  var summary: String {
    switch self {
    case .prices: "Price files of supermarket chains"
    case .egx: "Bars of the Egyptian Exchange"
    case .sentinel: "Prices and demands of materials, and their forecasts"
    case .lambda: "Market feeds, the hot store and the archive"
    }
  }

  var note: String {
    guard self == .sentinel else { return "" }
    return "The workers are ready when the object store holds a model of their kind, and until then say so on /readyz."
  }
}

extension Int {
  fileprivate var mebibytes: String { self % 1_024 == 0 ? "\(self / 1_024)Gi" : "\(self)Mi" }
}

extension String {
  /// As the lines of a comment.
  var commented: String { isEmpty ? "" : split(separator: "\n").map { "# \($0)" }.joined(separator: "\n") }
  /// With a newline at its end, unless there is nothing.
  var terminated: String { isEmpty ? "" : self + "\n" }
  /// As a text of YAML, in quotes where it would be something else.
  var yaml: String {
    let isOther = Double(self) != nil || ["", "true", "false", "yes", "no", "on", "off", "null"].contains(self)
    return isOther || contains(": ") || contains(" #") || hasPrefix("{") || hasPrefix("[") ? "\"\(self)\"" : self
  }
}

extension [FleetSetting] {
  /// Several kinds of a service may have a setting in common.
  var unique: [FleetSetting] { reduce(into: []) { if !$0.contains($1) { $0.append($1) } } }
}
