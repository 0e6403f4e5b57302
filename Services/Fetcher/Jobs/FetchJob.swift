import Commodities
import Core
import Messages
import Values

/// One task resolved by the catalogue: its series, its sources, its due time and deadline.
package struct FetchJob: Sendable {
  package var task: IngestionTask
  package var material: Material
  /// nil: the world market.
  package var country: Country?
  package var series: RoutingKey
  /// Indices into the list of sources, in the order of the requests.
  package var sources: [Int]
  /// The time of the value.
  package var dueAt: Timestamp
  /// The answer is useless later; nil: never.
  package var deadline: Timestamp?

  package var kind: SeriesKind { task.task.series }
  package var stateKey: SeriesStateKey { SeriesStateKey(kind, series) }
}

/// Resolves tasks to jobs by the catalogue.
package struct JobReader: Sendable {
  private let materials: [String: Material]
  private let countries: [String: Country]
  private let sources: [CommoditySource]

  /// - Parameter sources: in the order of the requests.
  package init(_ catalogue: CommodityCatalogue, sources: [CommoditySource]) {
    materials = Dictionary(catalogue.materials.map { ($0.word, $0) }, uniquingKeysWith: { first, _ in first })
    countries = Dictionary(catalogue.countries.map { ($0.word, $0) }, uniquingKeysWith: { first, _ in first })
    self.sources = sources
  }

  /// - Parameter arrived: the due time of a task without one: the record's timestamp, or now.
  /// - Throws: `FetchError` of class data.
  package func job(_ task: IngestionTask, arrived: Timestamp) throws(FetchError) -> FetchJob {
    guard let material = Self.find(task.material, in: materials) else {
      throw FetchError(.unknownMaterial, "the catalogue has no material of this name")
    }
    var country: Country?
    if let name = task.country {
      guard let known = Self.find(name, in: countries) else {
        throw FetchError(.unknownCountry, "the catalogue has no country of this name")
      }
      guard !material.isWorld else {
        throw FetchError(.unexpectedCountry, "\(material.name) has a world market, and no country")
      }
      country = known
    }
    // A task without a country means the world price, even of a material with prices per country.
    guard let series = RoutingKey(
      region: country?.region ?? RoutingKey.world.region, country: country?.word ?? RoutingKey.world.country,
      category: material.category, material: material.word)
    else { throw FetchError(.catalogueDiffers, "region, country and material make no routing key") }
    // Another key or topic would be another series.
    guard task.category ?? material.category == material.category, task.region ?? series.region == series.region else {
      throw FetchError(.catalogueDiffers, "the task's region or category is not the catalogue's (\(series))")
    }
    return FetchJob(
      task: task, material: material, country: country, series: series,
      sources: try order(for: task, material), dueAt: task.dueAt ?? arrived, deadline: task.deadline)
  }

  /// The task's own choice first, then the catalogue's order.
  private func order(for task: IngestionTask, _ material: Material) throws(FetchError) -> [Int] {
    var order = sources.indices.filter { sources[$0].has(material, task.task) }
    if let name = task.source {
      guard let choice = sources.firstIndex(where: { $0.name == name }) else {
        throw FetchError(.unknownSource, "the catalogue has no source of this name")
      }
      if let place = order.firstIndex(of: choice) {
        order.remove(at: place)
        order.insert(choice, at: 0)
      }
    }
    guard !order.isEmpty else {
      throw FetchError(.noSource, "no source of the catalogue does \(task.task.rawValue) for \(material.name)")
    }
    return order
  }

  private static func find<Value>(_ name: String, in table: [String: Value]) -> Value? {
    RoutingKey.word(for: name).flatMap { table[$0] }
  }
}
