/// One executable of the fleet: what it is for, what it reads and writes, and what it needs to run.
///
/// `souk up` reads its environment here at run time. `make reference` writes the rest from it: compose services,
/// Kubernetes workloads with their disruption budgets and scalers, Prometheus targets, the programs of the image, the
/// tables of the READMEs.
package struct ServiceEntry: Hashable, Sendable {
  /// As users type it; also the image, the consumer group, the `client.id` and the log field.
  package let name: String
  package let summary: String
  /// Those it belongs to; it is shown with the first.
  package let systems: [FleetSystem]
  package let inputs: [Topic]
  package let outputs: [Topic]
  /// Compacted topics that every instance reads whole at its start and then follows, in no group.
  package let tables: [Topic]
  /// Begins the flow: what it consumes only comes back to it from services behind it.
  package let isSource: Bool
  /// The outside system that holds the lasting effect, nil when that is only Kafka.
  package let sink: Dependency?
  /// What it talks to, the sink included.
  package let needs: Set<Dependency>
  /// What it also talks to where it is told an address, and works without: nothing waits for these.
  package let optional: Set<Dependency>
  /// Where processes of one executable do different work: the values of its setting `KIND`, and what each reads in a
  /// group of its own.
  package let kinds: [Kind]
  package let scaling: Scaling
  /// Holds something open or in memory for its partitions: its processes are static members under names that stay.
  package let isStateful: Bool
  package let resources: ContainerResources
  package let settings: [FleetSetting]
  /// Reads the file of markets, which the setting `CATALOGUE` names.
  package let readsMarkets: Bool
  package let volumes: [FleetVolume]
  /// The port of the HTTP that it is there for; nil where it only has the one of its health.
  package let serves: Int?
  /// In the demo of compose a service that looks at simulators takes its place: `<name>-demo`, written by hand.
  package let hasStandIn: Bool
  package let image: FleetImage
  /// What an operator should know who reads a manifest of it.
  package let note: String

  package struct Kind: Hashable, Sendable {
    package let name: String
    package let inputs: [Topic]
    /// nil: those of the service.
    package var outputs: [Topic]? = nil
    /// The only system that it belongs to; nil: those of the service.
    package var system: FleetSystem? = nil
    /// It keeps the service's own name, and its group: the kind that was there before the others.
    package var isFirst = false
    package var readsMarkets = true
    /// Besides those of the service.
    package var settings: [FleetSetting] = []
  }

  package init(
    _ name: String, _ summary: String, of systems: [FleetSystem], reads inputs: [Topic] = [],
    writes outputs: [Topic] = [], tables: [Topic] = [], isSource: Bool = false, sink: Dependency? = nil,
    needs: Set<Dependency> = [], optional: Set<Dependency> = [], kinds: [Kind] = [], scaling: Scaling,
    isStateful: Bool = false,
    resources: ContainerResources = .small, settings: [FleetSetting] = [], readsMarkets: Bool = false,
    volumes: [FleetVolume] = [], serves: Int? = nil, hasStandIn: Bool = false, image: FleetImage = .fleet,
    note: String = ""
  ) {
    self.name = name
    self.summary = summary
    self.systems = systems
    self.inputs = inputs
    self.outputs = outputs
    self.tables = tables
    self.isSource = isSource
    self.sink = sink
    self.needs = needs.union([.kafka]).union(sink.map { [$0] } ?? [])
    self.optional = optional
    self.kinds = kinds
    self.scaling = scaling
    self.isStateful = isStateful
    self.resources = resources
    self.settings = settings
    self.readsMarkets = readsMarkets
    self.volumes = volumes
    self.serves = serves
    self.hasStandIn = hasStandIn
    self.image = image
    self.note = note
  }

  /// The service once for each of its systems, with that one's kinds, when its kinds belong to different ones.
  package var parts: [ServiceEntry] {
    guard kinds.contains(where: { $0.system != nil }) else { return [self] }
    return systems.map { system in
      let own = kinds.filter { $0.system == nil || $0.system == system }
      let inputs = inputs.filter { topic in own.contains { $0.inputs.contains(topic) } }
      var scaling = scaling
      if case .byLag(let records, let others) = scaling {
        scaling = .byLag(records, others.filter { inputs.contains($0.key) })
      }
      let outputs = outputs.filter { topic in own.contains { $0.outputs?.contains(topic) ?? true } }
      return ServiceEntry(
        name, summary, of: [system], reads: inputs, writes: outputs, tables: tables, isSource: isSource, sink: sink,
        needs: needs, optional: optional, kinds: own, scaling: scaling, isStateful: isStateful, resources: resources,
        settings: settings + own.flatMap(\.settings), readsMarkets: readsMarkets && own.contains(where: \.readsMarkets),
        volumes: volumes, hasStandIn: hasStandIn, image: image, note: note)
    }
  }

  /// The consumer group, nil for a service that consumes nothing.
  package var group: String? { inputs.isEmpty ? nil : name }

  /// The groups that commit: the one above, or one for each kind.
  package var groups: [ConsumerGroup] { workloads.compactMap(\.group) }

  /// What runs of it: one workload, or one for each kind.
  package var workloads: [FleetWorkload] {
    guard !kinds.isEmpty else {
      return [FleetWorkload(name: name, group: group.map { ConsumerGroup(name: $0, inputs: inputs) })]
    }
    return kinds.map { kind in
      let group = ConsumerGroup(name: kind.isFirst ? name : "\(name)-\(kind.name)", inputs: kind.inputs)
      let settings = [FleetSetting("KIND", kind.name), FleetSetting("GROUP_ID", group.name)]
      return FleetWorkload(name: group.name, kind: kind.name, group: group, settings: settings)
    }
  }
}

/// A consumer group and what it reads.
package struct ConsumerGroup: Hashable, Sendable {
  package let name: String
  package let inputs: [Topic]

  package init(name: String, inputs: [Topic]) {
    self.name = name
    self.inputs = inputs
  }
}

/// Equal processes of one service, which are scaled together.
package struct FleetWorkload: Hashable, Sendable {
  package let name: String
  /// nil where the service has no kinds.
  package var kind: String? = nil
  package let group: ConsumerGroup?
  /// Besides those of the service.
  package var settings: [FleetSetting] = []
}

/// An outside system that services talk to. The raw value is the one that the labels of pods have.
package enum Dependency: String, CaseIterable, Sendable {
  case kafka, postgres, redis
  case influx = "influxdb"
  case objectStore = "object-store"
  /// HTTP and HTTPS at public addresses.
  case internet
  /// FTP servers at public addresses.
  case ftp
  /// The scheduler of a Dask cluster, which is deployed beside the fleet.
  case dask

  package var title: String {
    switch self {
    case .kafka: "Kafka"
    case .postgres: "PostgreSQL"
    case .redis: "Redis"
    case .influx: "InfluxDB"
    case .objectStore: "object store"
    case .internet: "Internet"
    case .ftp: "FTP"
    case .dask: "Dask"
    }
  }
}

/// What a service's containers are made of.
package enum FleetImage: String, Sendable {
  /// The programs of the fleet.
  case fleet = "souk"
  /// The same with Python, pyarrow and Dask.
  case batch = "souk-batch"
}

/// How many processes of a service there are.
package enum Scaling: Hashable, Sendable {
  /// One: a new one starts when the old one has ended.
  case single
  /// Two, of which one works and the other takes over.
  case activeStandby
  /// Two to begin with, all of them equal.
  case replicated
  /// One for so many records of lag, at most one for each partition; other numbers for topics whose records are more
  /// or less work.
  case byLag(Int, [Topic: Int] = [:])
}

/// What a container asks for and what it may take: CPU in thousandths of a core, memory in MiB.
package struct ContainerResources: Hashable, Sendable {
  package let cpu: Int
  package let memory: Int
  package let memoryLimit: Int

  package init(cpu: Int, memory: Int, limit: Int) {
    self.cpu = cpu
    self.memory = memory
    memoryLimit = limit
  }

  package static let small = ContainerResources(cpu: 50, memory: 64, limit: 256)
  package static let medium = ContainerResources(cpu: 100, memory: 128, limit: 512)
}

/// A setting that the fleet gives to a service, by its environment variable.
package struct FleetSetting: Hashable, Sendable {
  package enum Place: CaseIterable, Sendable { case compose, kubernetes, up }

  package let name: String
  package let value: String
  package let places: Set<Place>
  /// The operator's to change: the variable of compose that does it; in Kubernetes a ConfigMap of the service's name.
  package let variable: String?
  package let note: String

  /// - Parameter places: where it holds; everywhere unless said.
  package init(_ name: String, _ value: String, in places: Set<Place> = Set(Place.allCases), note: String = "") {
    (self.name, self.value, self.places, self.note) = (name, value, places, note)
    variable = nil
  }

  private init(_ name: String, _ value: String, variable: String, places: Set<Place>) {
    (self.name, self.value, self.places, self.variable) = (name, value, places, variable)
    note = ""
  }

  /// What the operator chooses in the real world; `souk up` shows something else.
  package static func choice(
    _ name: String, _ value: String, _ variable: String, in places: Set<Place> = [.compose, .kubernetes]
  ) -> FleetSetting {
    FleetSetting(name, value, variable: variable, places: places)
  }
}

/// Where a service writes files.
package enum FleetVolume: Hashable, Sendable {
  /// Each process' own, gone with it, on disk, since `/tmp` is memory; in GiB.
  case scratch(_ path: String, gibibytes: Int)
  /// Kept over restarts, in compose by a volume of this name; a pod starts without.
  case kept(_ path: String, name: String)
}

/// A group of services that serve one purpose and run together.
package enum FleetSystem: String, CaseIterable, Sendable {
  /// Published price files into PostgreSQL.
  case prices
  /// Bars of the Egyptian Exchange into a time series database and an object store.
  case egx
  /// Prices and demands of materials from providers, predictions of them into PostgreSQL.
  case sentinel
  /// Market feeds into the hot store and the archive.
  case lambda

  /// The profiles of compose that start it: its name, and the one that users of the ingestion layer type.
  package var profiles: [String] { self == .lambda ? [rawValue, "ingestion"] : [rawValue] }

  /// In the order the data flows; of services whose kinds belong to several systems, the kinds of this one.
  package var services: [ServiceEntry] {
    ServiceCatalogue.all.flatMap(\.parts).filter { $0.systems.contains(self) }
  }

  /// What one of its services reads here: of its inputs, those that a service of this system fills.
  package func inputs(of service: ServiceEntry) -> [Topic] {
    service.inputs.filter { topic in services.contains { $0.outputs.contains(topic) } }
  }
}
