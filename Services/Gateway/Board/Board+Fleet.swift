import Catalogue
import Core
import Kafka
import LocalServers
import Operations
import ServiceKit

/// The fleet: what runs, how far it is behind, and what is wrong, in words.
extension Board {
  private static let slow: Duration = .seconds(300)
  private static let late: Duration = .seconds(900)

  var fleetPages: [Page] {
    guard let sources else { return [] }
    let systems = [""] + FleetSystem.allCases.map(\.rawValue)
    return [
      Page(
        [], .fleet, "Fleet", "What runs, how fast, how far behind, and what is paused and why.",
        [Parameter("system", .choice(systems, standard: ""), "Only this system.")], refresh: .seconds(5)
      ) { view in
        let wanted = FleetSystem(rawValue: view.text("system"))
        return PageContent([totals(sources), words(sources)]
          + FleetSystem.allCases.filter { wanted == nil || wanted == $0 }.map { map($0, sources) })
      },
      Page(
        ["fleet", "{service}"], .fleet, "Service", "Processes, readiness, groups and partitions of one service.",
        [Parameter("service", .word(most: 64), in: .path, "Its name.")], refresh: .seconds(5)
      ) { view in
        guard let service = ServiceCatalogue.named(view.text("service")) else {
          throw Problem(404, "unknown_service", "There is no service '\(view.text("service"))'.")
        }
        return PageContent(title: service.name, trail: [("Fleet", Link([]))], [
          about(service), processes(service, sources), groups(service, sources, byPartition: false),
          groups(service, sources, byPartition: true),
        ])
      },
    ]
  }

  // MARK: - home

  private func totals(_ sources: BoardSources) -> Panel {
    Panel("totals", "At a glance", .command("souk top; souk lag")) {
      async let fleet = sources.fleet.value()
      async let lag = sources.lag.value()
      let (processes, groups) = (try? await fleet, try? await lag)
      // One of the two says something; without both there is nothing to say but why.
      if processes == nil, groups == nil { _ = try await sources.lag.value() }
      var facts: [Panel.Fact] = []
      if let look = processes?.value.now {
        let unready = look.answers.count { $0.unready != nil } + look.silent.count
        let accounts = ServiceAccount.all(look.answers)
        let missing = accounts.reduce(0) { $0 + abs($1.missing) }
        let dead = accounts.reduce(0) { $0 + $1.deadLettered }
        facts += [
          .init("processes", "Processes", .count(look.answers.count)),
          .init("not_ready", "Not ready or silent", .count(unready), unready > 0 ? .bad : .good),
          .init("dead_lettered", "Dead letters since start", .count(dead), dead > 0 ? .warning : .plain,
            link: Link(["dead-letters"])),
          .init("unaccounted", "Records unaccounted for", .count(missing), missing > 0 ? .warning : .plain),
        ]
      }
      if let groups = groups?.value {
        let worst = groups.compactMap(\.timeLag).max()
        facts += [
          .init("waiting", "Records waiting", .count(groups.reduce(0) { $0 + $1.lag })),
          .init("oldest", "Oldest waits", .time(worst), Self.tone(worst)),
        ]
      }
      return Panel.Filling(
        [.facts(facts)], asOf: min(processes?.at ?? .max, groups?.at ?? .max), nothing: "Nothing is known yet.")
    }
  }

  private func words(_ sources: BoardSources) -> Panel {
    Panel("words", "What needs attention", .command("souk lag; souk top")) {
      async let fleet = sources.fleet.value()
      async let lag = sources.lag.value()
      let processes: Result<(value: FleetReading, at: Int64), any Error>
      do { processes = .success(try await fleet) } catch { processes = .failure(error) }
      let groups = try await lag
      let bad = Self.complaints(groups.value)
      var contents: [Panel.Content] = []
      var unready: [String] = []
      switch processes {
      case .success(let reading):
        unready = reading.value.now.answers.compactMap { answer in
          answer.unready.map { "\(answer.service) at \(answer.address) is not ready: \($0)" }
        } + reading.value.now.silent.map { "\($0.address) does not answer: \($0.reason)" }
      case .failure(let error):
        let reason = (error as? Problem)?.detail ?? "\(error)"
        contents.append(.words(["Processes are not shown. \(reason)"], .faint))
      }
      contents.append(.words(unready + bad, .bad))
      let stopped = groups.value.filter { $0.verdict(slowAfter: Self.slow) == .stopped }.map { group in
        "\(group.group) is stopped: it has no member\(Self.waiting(group))."
      }
      contents.append(.words(stopped, .warning))
      if unready.isEmpty, bad.isEmpty, stopped.isEmpty {
        contents.append(.words(["Every group that ever ran keeps up, and every known process is ready."], .good))
      }
      return Panel.Filling(contents, asOf: groups.at, nothing: "")
    }
  }

  private static func waiting(_ group: GroupLag) -> String {
    guard group.lag > 0 else { return "" }
    let age = group.timeLag.map { ", the oldest for \(short($0))" } ?? ""
    return "; \(counted(Int(group.lag), "record")) wait\(age)"
  }

  static func complaints(_ groups: [GroupLag]) -> [String] {
    groups.compactMap { group in
      switch group.verdict(slowAfter: slow) {
      case .stuck: "\(group.group) is stuck: it committed nothing between two looks\(waiting(group))."
      case .slow: "\(group.group) is behind and works\(waiting(group))."
      case .unknown: "\(group.group): the brokers did not say how far it is: \(group.silence ?? "no answer")."
      case .ok, .stopped, .neverRan:
        group.deleted > 0
          ? "\(group.group): \(counted(Int(group.deleted), "record")) deleted by the retention before it read them."
          : nil
      }
    }
  }

  private static func tone(_ lag: Duration?) -> Tone {
    guard let lag else { return .plain }
    return lag > late ? .bad : lag > slow ? .warning : .plain
  }

  private func map(_ system: FleetSystem, _ sources: BoardSources) -> Panel {
    Panel(
      "map-\(system.rawValue)", "System \(system.rawValue)",
      .command("souk lag --system \(system.rawValue) --topics; souk top")
    ) {
      async let fleet = sources.fleet.value()
      async let lag = sources.lag.value()
      let processes = try? await fleet
      let groups = try await lag
      guard let map = Self.map(system, processes?.value, groups.value) else {
        return Panel.Filling([], asOf: groups.at, nothing: """
          Nothing of this system runs here: none of its groups has a member or a commit, and no process of it answers.
          """)
      }
      return Panel.Filling([.figure(map.svg, name: "map", map.data)], asOf: groups.at, nothing: "")
    }
  }

  /// - Returns: nil when nothing of the system runs or ever ran.
  static func map(_ system: FleetSystem, _ fleet: FleetReading?, _ groups: [GroupLag]) -> FleetMap? {
    var services: [String: FleetMap.Saying] = [:], topics: [String: FleetMap.Saying] = [:]
    var readers: [String: FleetMap.Saying] = [:]
    var runs = false
    var inflow: [String: Double] = [:], worst: [String: (records: Int64, age: Duration?)] = [:]
    for service in system.services {
      let own = groups.filter { group in service.groups.contains { $0.name == group.group } }
      let answers = fleet?.answers(of: service.name) ?? []
      let verdicts = own.map { $0.verdict(slowAfter: slow) }
      // A service of several systems runs here when a group of this one does.
      runs = runs || verdicts.contains { $0 != .neverRan && $0 != .unknown }
        || !answers.isEmpty && service.systems == [system] && service.serves == nil
      services[service.name] = saying(service, answers, own, verdicts, fleet)
      for topic in system.inputs(of: service) {
        let partitions = own.flatMap(\.partitions).filter { $0.place.topic == topic.name }
        if partitions.isEmpty { continue }
        let now = own.map(\.now).max() ?? 0
        let (records, age) = (partitions.reduce(0) { $0 + $1.lag }, GroupLag.timeLag(partitions, now))
        readers["\(service.name) \(topic.name)"] = .init(
          text: records == 0 ? "nothing waits" : "\(counted(Int(records), "record")) behind"
            + (age.map { ", \(short($0))" } ?? ""),
          tone: tone(age))
        if records > worst[topic.name]?.records ?? 0 { worst[topic.name] = (records, age) }
        let window = (own.map(\.window).max() ?? .zero) / .seconds(1)
        if window > 0 {
          inflow[topic.name] = max(
            inflow[topic.name] ?? 0, Double(partitions.reduce(0) { $0 + $1.added }) / window)
        }
        topics[topic.name] = .init(text: "")
      }
    }
    guard runs else { return nil }
    for topic in topics.keys {
      let rate = inflow[topic].map { "\(perSecond($0))/s" } ?? ""
      guard let (records, age) = worst[topic] else {
        topics[topic] = .init(text: rate)
        continue
      }
      let lag = age.map { "\(short($0)) behind" } ?? "\(grouped(Int(records))) behind"
      topics[topic] = .init(text: rate.isEmpty ? lag : "\(rate) · \(lag)", tone: tone(age))
    }
    return FleetMap(system, services: services, topics: topics, readers: readers)
  }

  private static func perSecond(_ rate: Double) -> String {
    rate < 9.95 && rate > 0 ? Plot.decimal(rate, 1) : grouped(Int(rate.rounded()))
  }

  private static func saying(
    _ service: ServiceEntry, _ answers: [FleetProbe.Answer], _ groups: [GroupLag], _ verdicts: [LagVerdict],
    _ fleet: FleetReading?
  ) -> FleetMap.Saying {
    let unready = answers.count { $0.unready != nil }
    if !answers.isEmpty {
      let rate = fleet?.rate("souk_records_consumed_total", of: service.name)
        ?? fleet?.rate("souk_records_produced_total", of: service.name)
      var text = "\(answers.count) up"
      if let rate { text += " · \(perSecond(rate))/s" }
      if unready > 0 { text = "\(unready) of \(answers.count) not ready" }
      let tone: Tone = unready > 0 || verdicts.contains(.stuck) ? .bad : verdicts.contains(.slow) ? .warning : .good
      return .init(text: text, tone: tone)
    }
    if verdicts.contains(.stuck) { return .init(text: "stuck", tone: .bad) }
    if verdicts.contains(.slow) { return .init(text: "behind", tone: .warning) }
    let members = groups.compactMap { $0.state?.members.count }.reduce(0, +)
    if members > 0 { return .init(text: counted(members, "member"), tone: .good) }
    if verdicts.contains(.ok) { return .init(text: "keeps up", tone: .good) }
    if verdicts.contains(.stopped) { return .init(text: "stopped", tone: .warning) }
    return .init(text: "not seen", tone: .faint)
  }

  // MARK: - one service

  private func about(_ service: ServiceEntry) -> Panel {
    Panel("about", "What it does", .command("\(service.name) --help")) {
      return Panel.Filling([
        .words([service.summary.prefix(1).uppercased() + service.summary.dropFirst() + "."]),
        .facts([
          .init("systems", "Systems", .text(service.systems.map(\.rawValue).joined(separator: ", "))),
          .init("sink", "Keeps its effect in", .text(service.sink?.title ?? "Kafka")),
        ]),
        .table({
          var table = Table([.text("use", "Topics"), .text("topics", "")], name: "topics")
          for (use, topics) in [("reads", service.inputs), ("follows", service.tables), ("writes", service.outputs)] {
            for topic in topics {
              table.append([.text(use), .text(topic.name)], links: ["topics": Link(["topics", topic.name])])
            }
          }
          return table
        }()),
      ], nothing: "")
    }
  }

  private func processes(_ service: ServiceEntry, _ sources: BoardSources) -> Panel {
    Panel("processes", "Processes", .command("souk top")) {
      let (reading, at) = try await sources.fleet.value()
      var own = reading.now
      own.answers = reading.answers(of: service.name)
      own.silent = []
      var contents: [Panel.Content] = [.words(own.answers.compactMap { answer in
        answer.unready.map { "\(answer.address) is not ready: \($0)" }
      }, .bad)]
      contents.append(.table(Table(FleetTable(reading.before, own).report)))
      return Panel.Filling(
        contents, asOf: at, nothing: "No process of \(service.name) answers at the addresses that are known.")
    }
  }

  private func groups(_ service: ServiceEntry, _ sources: BoardSources, byPartition isByPartition: Bool) -> Panel {
    Panel(
      isByPartition ? "partitions" : "groups", isByPartition ? "Partitions" : "Groups",
      .command("souk lag \(service.name)\(isByPartition ? " --partitions" : "")")
    ) {
      let (groups, at) = try await sources.lag.value()
      let own = groups.filter { group in service.groups.contains { $0.name == group.group } }
      let report = LagReport(readings: own, slowAfter: Self.slow)
      guard isByPartition else {
        return Panel.Filling(
          [.words(Self.complaints(own), .bad), .table(Table(report.report(by: .group)))], asOf: at,
          nothing: "\(service.name) consumes in no group.")
      }
      return Panel.Filling([.table(Table(report.report(by: .partition)) { row, column in
        guard column == "topic", case .text(let name)? = row.cells.dropFirst().first?.value else { return nil }
        return Link(["topics", name])
      })], asOf: at, nothing: "\(service.name) consumes in no group.")
    }
  }
}
