import Runtime
import Schemas

/// What is followed, where, by asking whom and when: read by the scheduler, which makes jobs of it, and by the
/// fetcher, which knows the providers.
package struct MarketCatalogue: Sendable {
  package let countries: [Country]
  package let materials: [Material]
  /// In the order in which they are asked when one fails.
  package let sources: [SourceEntry]
  package let schedules: [FetchSchedule]

  init(countries: [Country], materials: [Material], sources: [SourceEntry], schedules: [FetchSchedule]) {
    self.countries = countries
    self.materials = materials
    self.sources = sources
    self.schedules = schedules
  }

  package func material(named name: String) -> Material? { materials.first { $0.name == name } }
  package func country(named name: String) -> Country? { countries.first { $0.name == name } }

  /// Every pair of a material and a country that there is, materials in their order, countries within.
  package var series: [MarketSeries] { series(.all, .all) }

  /// What one run of a schedule fetches.
  package func series(of schedule: FetchSchedule) -> [MarketSeries] {
    series(schedule.materials, schedule.countries)
  }

  private func series(_ materials: MaterialChoice, _ countries: CountryChoice) -> [MarketSeries] {
    var series: [MarketSeries] = []
    for material in self.materials where materials.contains(material) {
      let places: [Country?] = material.isWorld ? [nil] : self.countries
      for place in places where countries.contains(place) {
        if let one = MarketSeries(material, in: place) { series.append(one) }
      }
    }
    return series
  }

  /// The embedded catalogue.
  package static let embedded: MarketCatalogue = {
    do {
      return try MarketCatalogue(yaml: embeddedText, origin: "the embedded catalogue", over: nil)
    } catch {
      preconditionFailure("\(error)")
    }
  }()

  /// The file's catalogue. A section that the file does not have is the embedded one's.
  /// - Throws: a configuration `Failure` naming file and line.
  package static func load(file path: String?) throws(Failure) -> MarketCatalogue {
    guard let path else { return embedded }
    let text = String(decoding: try readFile(path, limit: 16 << 20), as: UTF8.self)
    return try MarketCatalogue(yaml: text, origin: path)
  }
}
