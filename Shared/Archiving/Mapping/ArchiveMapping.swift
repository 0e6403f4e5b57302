import Catalogue
import Core
import Messages
import ObjectStore

/// How the records of one topic become a dataset: where its objects lie, and where date and symbol come from.
///
/// Written `topic=market-ticks,dataset=market-ticks,prefix=market-ticks,time=event_ns,symbol=symbol,
/// zone=America/New_York`.
package struct ArchiveMapping: Hashable, Sendable {
  /// Where a value of each record is.
  package enum Source: Hashable, Sendable {
    /// A field at the top of the JSON object.
    case field(String)
    /// Of the symbol: the record's key. Of the time: its timestamp in Kafka.
    case record

    package var field: String? { if case .field(let name) = self { name } else { nil } }
  }

  package var topic: String
  package var dataset: String
  /// First folders of its objects, below those of the store.
  package var prefix: String
  package var time: Source
  package var symbol: Source
  /// Of the dates: the exchange's.
  package var zone: String

  package init(
    topic: String, dataset: String? = nil, prefix: String? = nil, time: Source, symbol: Source,
    zone: String = NYSECalendar.zoneIdentifier
  ) {
    self.topic = topic
    self.dataset = dataset ?? topic
    self.prefix = prefix ?? self.dataset
    self.time = time
    self.symbol = symbol
    self.zone = zone
  }

  /// Its records name objects of their own, which the catalogue lists beside those of the records: they go to a colder
  /// tier, and come back, with them.
  package var namesObjects: Bool { topic == Topics.documents.name }

  /// Those of the topics that are archived unless said. A market's date is that of its exchange, by event time. Texts
  /// have no symbol: theirs is the source.
  package static let standard = [
    ArchiveMapping(topic: Topics.marketTicks.name, time: .field("event_ns"), symbol: .field("symbol")),
    ArchiveMapping(topic: Topics.marketBars.name, time: .field("start_ns"), symbol: .field("symbol")),
    ArchiveMapping(topic: Topics.marketGaps.name, time: .field("from_ns"), symbol: .field("symbol")),
    ArchiveMapping(topic: Topics.technicalSignals.name, time: .field("start_ns"), symbol: .field("symbol")),
    ArchiveMapping(topic: Topics.newsArticles.name, time: .field("published_at"), symbol: .field("source")),
    ArchiveMapping(topic: Topics.socialPosts.name, time: .field("published_at"), symbol: .field("source")),
    ArchiveMapping(topic: Topics.sentimentEvents.name, time: .field("published_at"), symbol: .field("symbol")),
    ArchiveMapping(topic: Topics.optionChains.name, time: .field("known_ns"), symbol: .field("underlying")),
    ArchiveMapping(topic: Topics.optionTrades.name, time: .field("event_ns"), symbol: .field("underlying")),
    ArchiveMapping(topic: Topics.optionsFlow.name, time: .field("first_ns"), symbol: .field("underlying")),
    // `documents/` has the bytes.
    ArchiveMapping(
      topic: Topics.documents.name, prefix: "document-records", time: .field("published_at"), symbol: .field("source")),
  ]

  /// Reads the form above. What is not said is that of the topic's standard mapping, if it has one.
  /// - Throws: `Failure(.configuration)` that says what would be right.
  package init(text: String) throws(Failure) {
    var words: [Substring: String] = [:]
    for part in text.split(separator: ",") {
      guard let equals = part.firstIndex(of: "="), part.index(after: equals) < part.endIndex else {
        throw Self.invalid("'\(part)' is not name=value")
      }
      let name = part[..<equals]
      guard ["topic", "dataset", "prefix", "time", "symbol", "zone"].contains(name) else {
        throw Self.invalid("there is no '\(name)'; there are topic, dataset, prefix, time, symbol, zone")
      }
      guard words.updateValue(String(part[part.index(after: equals)...]), forKey: name) == nil else {
        throw Self.invalid("'\(name)' is given twice")
      }
    }
    guard let topic = words["topic"] else { throw Self.invalid("'\(text)' names no topic (topic=...)") }
    let known = Self.standard.first { $0.topic == topic }
    let time = words["time"].map { $0 == "record" ? Source.record : .field($0) } ?? known?.time
    let symbol = words["symbol"].map { $0 == "key" ? Source.record : .field($0) } ?? known?.symbol
    guard let time else {
      throw Self.invalid("topic \(topic) needs time=FIELD, or time=record for the records' own timestamps")
    }
    guard let symbol else {
      throw Self.invalid("topic \(topic) needs symbol=FIELD, or symbol=key for the records' keys")
    }
    let dataset = words["dataset"] ?? known?.dataset
    self.init(
      topic: topic, dataset: dataset, prefix: words["prefix"] ?? (words["dataset"] == nil ? known?.prefix : nil),
      time: time, symbol: symbol, zone: words["zone"] ?? known?.zone ?? NYSECalendar.zoneIdentifier)
  }

  package var text: String {
    "topic=\(topic),dataset=\(dataset),prefix=\(prefix),time=\(time.field ?? "record"),"
      + "symbol=\(symbol.field ?? "key"),zone=\(zone)"
  }

  /// Of what the names of objects depend on: eight digits, beside the offsets of a range that is being written.
  package var digest: String {
    let text = [prefix, time.field ?? "", symbol.field ?? "", zone].joined(separator: "\n")
    return String(SHA256.hash(text).hex.prefix(8))
  }

  /// - Throws: `Failure(.configuration)`.
  package func plan(catalogue folder: String, limits: JSONReader.Limits) throws(Failure) -> ObjectPlan {
    let (mapping, zone) = (self, try ZoneTable(identifier: zone))
    return ObjectPlan(
      names: ObjectNames(folder: prefix), catalogue: CatalogueNames(folder: folder, dataset: dataset), digest: digest,
      namesObjects: namesObjects
    ) { FieldAddresser(mapping, zone: zone, limits: limits) }
  }

  /// The mappings of some topics: those given, and the standard ones of the others.
  /// - Parameter topics: all standard and given ones when empty.
  /// - Throws: `Failure(.configuration)`: no mapping, two of one topic, names that meet.
  package static func of(
    topics: [String], given texts: [String], catalogue folder: String
  ) throws(Failure) -> [ArchiveMapping] {
    var given: [ArchiveMapping] = []
    for text in texts {
      let mapping = try ArchiveMapping(text: text)
      guard !given.contains(where: { $0.topic == mapping.topic }) else {
        throw invalid("topic \(mapping.topic) has two mappings")
      }
      given.append(mapping)
    }
    var wanted = topics
    if wanted.isEmpty {
      wanted = standard.map(\.topic)
      wanted += given.map(\.topic).filter { !wanted.contains($0) }
    }
    var mappings: [ArchiveMapping] = []
    for topic in wanted {
      guard !mappings.contains(where: { $0.topic == topic }) else { throw invalid("topic \(topic) is named twice") }
      guard let mapping = (given + standard).first(where: { $0.topic == topic }) else {
        throw invalid("topic \(topic) has no mapping: add --map topic=\(topic),time=FIELD,symbol=FIELD")
      }
      mappings.append(mapping)
    }
    if let unused = given.first(where: { !wanted.contains($0.topic) }) {
      throw invalid("topic \(unused.topic) is mapped, and --topics does not name it")
    }
    try check(mappings, catalogue: folder)
    return mappings
  }

  private static func check(_ mappings: [ArchiveMapping], catalogue folder: String) throws(Failure) {
    for (index, mapping) in mappings.enumerated() {
      do {
        _ = try ObjectKey(mapping.prefix)
        _ = try ObjectKey("\(folder)/\(mapping.dataset)")
      } catch { throw invalid("\(mapping.topic): \(error.message)") }
      guard mapping.dataset.utf8.allSatisfy({ $0 != 0x2f }), mapping.dataset != CatalogueNames.restores else {
        throw invalid("\(mapping.topic): '\(mapping.dataset)' cannot be the name of a dataset")
      }
      guard mapping.time == .record || mapping.time != mapping.symbol else {
        throw invalid("\(mapping.topic): time and symbol are the same field")
      }
      for name in [mapping.time.field, mapping.symbol.field] {
        guard let name, !(1...23).contains(name.utf8.count) else { continue }
        throw invalid("\(mapping.topic): '\(name)' is no field name of 1 to 23 bytes")
      }
      _ = try ZoneTable(identifier: mapping.zone)
      guard !meet(mapping.prefix, folder) else {
        throw invalid("\(mapping.topic): objects would lie among those of the catalogue, '\(folder)'")
      }
      for other in mappings[..<index] {
        // Objects of two topics with the same partition and offset would have one name.
        guard !meet(mapping.prefix, other.prefix) else {
          throw invalid("\(other.topic) and \(mapping.topic) would lie in one folder, '\(mapping.prefix)'")
        }
        guard other.dataset != mapping.dataset else {
          throw invalid("\(other.topic) and \(mapping.topic) have one dataset, '\(mapping.dataset)'")
        }
      }
    }
  }

  /// Whether one folder is the other, or inside it.
  private static func meet(_ left: String, _ right: String) -> Bool {
    (left + "/").hasPrefix(right + "/") || (right + "/").hasPrefix(left + "/")
  }

  private static func invalid(_ text: String) -> Failure {
    Failure(.configuration, code: "archive_mapping", "mapping of the archive: \(text)")
  }
}
