import Core

/// Materials, countries, sources and schedules: the scheduler makes jobs of it, the fetcher knows the providers from
/// it.
package struct CommodityCatalogue: Sendable {
  package let countries: [Country]
  package let materials: [Material]
  /// In the order of fail-over.
  package let sources: [CommoditySourceEntry]
  package let schedules: [FetchSchedule]

  package func material(named name: String) -> Material? { materials.first { $0.name == name } }
  package func country(named name: String) -> Country? { countries.first { $0.name == name } }

  /// Every pair of a material and a country that exists, in the order of materials, then of countries.
  package var series: [CommoditySeries] { series(.all, .all) }

  /// What one run of a schedule fetches.
  package func series(of schedule: FetchSchedule) -> [CommoditySeries] {
    series(schedule.materials, schedule.countries)
  }

  private func series(_ materials: MaterialSelector, _ countries: CountrySelector) -> [CommoditySeries] {
    var series: [CommoditySeries] = []
    for material in self.materials where materials.contains(material) {
      let places: [Country?] = material.isWorld ? [nil] : self.countries
      for place in places where countries.contains(place) {
        if let one = CommoditySeries(material, in: place) { series.append(one) }
      }
    }
    return series
  }

  /// The embedded catalogue.
  package static let embedded: CommodityCatalogue = {
    do {
      return try CommodityCatalogue(yaml: embeddedText, origin: "the embedded catalogue", over: nil)
    } catch {
      preconditionFailure("\(error)")
    }
  }()

  /// Reads a file; a section that it lacks is the embedded one's.
  /// - Throws: a configuration `Failure` naming file and line.
  package static func load(file path: String?) throws(Failure) -> CommodityCatalogue {
    guard let path else { return embedded }
    let text = String(decoding: try readFile(path, limit: 16 << 20), as: UTF8.self)
    return try CommodityCatalogue(yaml: text, origin: path)
  }
}
