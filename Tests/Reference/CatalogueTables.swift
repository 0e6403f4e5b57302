import Catalogue

/// The catalogue of topics and services as Markdown.
package enum CatalogueTables {
  package static func topics(_ topics: [Topic] = Topics.all) -> String {
    let rows = topics.map { topic in
      var key = "`\(topic.key)`"
      if topic.orderedBy != topic.key { key += ", in order by `\(topic.orderedBy)`" }
      return ["`\(topic.name)`", key, "\(topic.partitions)", kept(topic), topic.summary]
    }
    let letters = [
      "`<topic>.dlq`", "as the original", "as the original", "30 days or more",
      "the original bytes, with the reason in headers",
    ]
    return table(["topic", "key", "partitions", "kept", "one record says"], rows + [letters])
  }

  /// As `Services/README.md` shows them.
  ///
  /// - Parameter folder: of a service, from the top of the repository; nil for one that is not there.
  package static func services(
    _ services: [ServiceEntry] = ServiceCatalogue.all, folder: (ServiceEntry) -> String?
  ) -> String {
    let rows = services.compactMap { service -> [String]? in
      guard let folder = folder(service) else { return nil }
      return [
        "[`\(service.name)`](\(folder.trimmingPrefix("Services/"))/README.md)", service.summary,
        names(service.inputs + service.tables), names(service.outputs), service.sink?.title ?? "-",
      ]
    }
    return table(["service", "what it does", "reads", "writes", "keeps its result in"], rows)
  }

  /// What each service asks for and may take, as `Services/Operations.md` shows it.
  package static func sizing(_ services: [ServiceEntry] = ServiceCatalogue.all) -> String {
    let rows = services.flatMap { service in
      service.workloads.map { workload in
        let replicas: String
        switch service.scaling {
        case .single: replicas = "1"
        case .activeStandby: replicas = "2, of which one works"
        case .replicated: replicas = "as many as there are"
        case .byLag: replicas = "\(workload.group?.inputs.map(\.partitions).min() ?? 1)"
        }
        let needed = service.resources
        return [
          "`\(workload.name)`", replicas, "\(needed.cpu)m, \(needed.memory) MiB", "2, \(needed.memoryLimit) MiB",
        ]
      }
    }
    return table(["workload", "replicas at most", "asks for: CPU, memory", "limit: CPU, memory"], rows)
  }

  private static func kept(_ topic: Topic) -> String {
    if topic.cleanup == .compact { return "the last of each key" }
    let (days, hours) = (topic.retention.components.seconds / 86_400, topic.retention.components.seconds / 3_600)
    func plural(_ number: Int64, _ unit: String) -> String { number == 1 ? "1 \(unit)" : "\(number) \(unit)s" }
    return days > 0 ? plural(days, "day") : plural(hours, "hour")
  }

  private static func names(_ topics: [Topic]) -> String {
    var seen: Set<String> = []
    let names = topics.map(\.name).filter { seen.insert($0).inserted }
    return names.isEmpty ? "-" : names.map { "`\($0)`" }.joined(separator: ", ")
  }

  static func table(_ titles: [String], _ rows: [[String]]) -> String {
    let rule = "|" + String(repeating: "---|", count: titles.count)
    return (["| \(titles.joined(separator: " | ")) |", rule] + rows.map { "| \($0.joined(separator: " | ")) |" })
      .joined(separator: "\n")
  }
}
