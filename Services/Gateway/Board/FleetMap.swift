import Catalogue
import Core
import Operations
import ServiceKit

/// The services and topics of a system as a drawing: data flows from the left to the right. A pure value.
struct FleetMap: Sendable {
  /// What stands in a box below its name.
  struct Saying: Sendable {
    var text: String
    var tone = Tone.plain
  }
  private struct Box {
    let name: String
    let isTopic: Bool
    let saying: Saying
    var x = 0.0, y = 0.0
    var width: Double { isTopic ? FleetMap.topicWidth : FleetMap.serviceWidth }
  }
  private struct Edge {
    let from: String, to: String
    let saying: Saying?
    let isTable: Bool
  }
  private static let (serviceWidth, topicWidth, boxHeight, gap, row) = (170.0, 206.0, 44.0, 46.0, 56.0)

  private var boxes: [String: Box] = [:]
  private var edges: [Edge] = []
  private var width = 0.0, height = 0.0
  private let system: FleetSystem

  /// - Parameters:
  ///   - services: by name.
  ///   - topics: by name.
  ///   - readers: by `service topic`: how far a service is behind in a topic.
  init(
    _ system: FleetSystem, services: [String: Saying], topics: [String: Saying], readers: [String: Saying]
  ) {
    self.system = system
    var ranks: [String: Int] = [:]
    for service in system.services {
      let inputs = Self.inputs(of: service, in: system)
      let behind = inputs.compactMap { ranks["topic \($0.name)"] }.max() ?? -1
      let rank = service.isSource ? 0 : behind + 1
      ranks["service \(service.name)"] = rank
      for topic in service.outputs where ranks["topic \(topic.name)"] == nil { ranks["topic \(topic.name)"] = rank + 1 }
      boxes["service \(service.name)"] = Box(
        name: service.name, isTopic: false, saying: services[service.name] ?? Saying(text: "not seen", tone: .faint))
      for topic in service.outputs {
        boxes["topic \(topic.name)"] = Box(
          name: topic.name, isTopic: true, saying: topics[topic.name] ?? Saying(text: "", tone: .faint))
        edges.append(Edge(
          from: "service \(service.name)", to: "topic \(topic.name)", saying: nil, isTable: false))
      }
      for topic in inputs {
        edges.append(Edge(
          from: "topic \(topic.name)", to: "service \(service.name)",
          saying: readers["\(service.name) \(topic.name)"], isTable: !service.inputs.contains(topic)))
      }
    }
    place(ranks)
  }

  /// Of a service that consumes nothing, the tables that it follows.
  static func inputs(of service: ServiceEntry, in system: FleetSystem) -> [Topic] {
    let inputs = system.inputs(of: service)
    if !inputs.isEmpty { return inputs }
    return service.isSource ? [] : service.tables.filter { topic in
      system.services.contains { $0.outputs.contains(topic) }
    }
  }

  /// Columns by rank; in each, boxes in the order of the mean height of what leads to them.
  private mutating func place(_ ranks: [String: Int]) {
    let columns = (0...(ranks.values.max() ?? 0)).map { rank in
      ranks.filter { $0.value == rank }.keys.sorted()
    }
    let most = Double(columns.map(\.count).max() ?? 1)
    height = most * Self.row + 8
    var x = 2.0
    for column in columns {
      let wide = column.compactMap { boxes[$0]?.width }.max() ?? 0
      let weights = Dictionary(uniqueKeysWithValues: column.map { name in
        let before = edges.filter { $0.to == name }.compactMap { boxes[$0.from] }.filter { $0.x < x && $0.x > 0 }
        let mean = before.isEmpty ? height / 2 : before.reduce(0) { $0 + $1.y } / Double(before.count)
        return (name, mean)
      })
      let sorted = column.sorted { (weights[$0] ?? 0, $0) < (weights[$1] ?? 0, $1) }
      let top = (height - Double(sorted.count) * Self.row) / 2
      for (index, name) in sorted.enumerated() {
        boxes[name]?.x = x
        boxes[name]?.y = top + Double(index) * Self.row + (Self.row - Self.boxHeight) / 2
      }
      x += wide + Self.gap
    }
    width = x - Self.gap + 2
  }

  // MARK: - drawing

  var svg: HTML {
    let lines = edges.compactMap { edge -> HTML? in
      guard let from = boxes[edge.from], let to = boxes[edge.to] else { return nil }
      return line(edge, from, to)
    }
    let drawn = boxes.values.sorted { ($0.x, $0.y) < ($1.x, $1.y) }.map { draw($0) }
    return .tag("svg", [
      .class("map"), .named("role", "group"), .named("aria-label", "Services and topics of \(system.rawValue)"),
      .number("width", width), .number("height", height),
      .named("viewBox", "0 0 \(Plot.number(width)) \(Plot.number(height))"),
    ], all: lines + drawn)
  }

  private func line(_ edge: Edge, _ from: Box, _ to: Box) -> HTML {
    let (x1, y1) = (from.x + from.width, from.y + Self.boxHeight / 2)
    let (x2, y2) = (to.x, to.y + Self.boxHeight / 2)
    let bend = max(Self.gap / 2, abs(x2 - x1) / 2)
    let isBack = x2 < x1
    let numbers = isBack
      ? [x1, y1, x1 + bend / 4, y1 + 40, x2 - bend / 4, y2 + 40, x2, y2]
      : [x1, y1, x1 + bend, y1, x2 - bend, y2, x2, y2]
    let n = numbers.map(Plot.number)
    let tone = edge.saying?.tone ?? .plain
    let words = edge.saying.map { "\(from.name) to \(to.name): \($0.text)" }
    return .tag("path", [
      .class("edge \(tone)\(edge.isTable || isBack ? " dashed" : "")"),
      .named("d", "M\(n[0]) \(n[1])C\(n[2]) \(n[3]) \(n[4]) \(n[5]) \(n[6]) \(n[7])"),
    ], words.map { .tag("title", [], .text($0)) } ?? .nothing)
  }

  private func draw(_ box: Box) -> HTML {
    let link = box.isTopic ? Link(["topics", box.name]) : Link(["fleet", box.name])
    let most = box.isTopic ? 28 : 22
    let short = box.name.replacing("gogobe.", with: "")
    let shown = short.count > most ? short.prefix(most - 1) + "…" : short
    return .tag(
      "a", [.href(link)],
      .tag("g", [.class("box \(box.saying.tone)\(box.isTopic ? " topic" : "")")],
        .tag("title", [], "\(box.name): \(box.saying.text)"),
        .tag("rect", [
          .number("x", box.x), .number("y", box.y), .number("width", box.width), .number("height", Self.boxHeight),
          .named("rx", box.isTopic ? "20" : "5"),
        ]),
        .tag("text", [
          .class("name middle"), .number("x", box.x + box.width / 2), .number("y", box.y + 18),
        ], .text(String(shown))),
        .tag("text", [
          .class("middle"), .number("x", box.x + box.width / 2), .number("y", box.y + 35),
        ], .text(box.saying.text))))
  }

  /// The same as data.
  var data: DataValue {
    .object([
      .init("boxes", .list(boxes.sorted { ($0.value.x, $0.value.y) < ($1.value.x, $1.value.y) }.map { _, box in
        .object([
          .init("kind", .text(box.isTopic ? "topic" : "service")), .init("name", .text(box.name)),
          .init("says", .text(box.saying.text)), .init("tone", .text("\(box.saying.tone)")),
        ])
      })),
      .init("edges", .list(edges.map { edge in
        .object([
          .init("from", .text(boxes[edge.from]?.name ?? "")), .init("to", .text(boxes[edge.to]?.name ?? "")),
          .init("says", DataValue(edge.saying?.text)),
        ])
      })),
    ])
  }
}
