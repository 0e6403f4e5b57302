import Core
@testable import Forecasting
import Foundation
import Testing
import Values

@Suite struct ManifestTests {
  private let smoothing = Smoothing(size: 0.1, interval: 0.2)

  @Test func roundTripsThroughJSON() throws {
    var manifest = Samples.manifest(.sba, history: 20, smoothing: smoothing)
    manifest.scaling = .windowMean
    manifest.quantiles = [0.1, 0.9]
    manifest.residuals = [[-1, 2], [-1.5, 2.5]]
    manifest.groupResiduals = ["copper": [[-2, 2], [-2.5, 3]]]
    manifest.calibration = .init(
      windows: 400, from: "2025-01-01T00:00:00Z", to: "2025-02-01T00:00:00Z", reached: 0.79)
    manifest.probes = [ModelManifest.Probe(
      values: [1], times: ["2025-01-01T00:00:00Z"], seed: .max, means: [0.5])]
    #expect(try ModelManifest(json: manifest.json()) == manifest)
    for scaling in [Scaling.none, .windowStandard, .standard(mean: -3.5, deviation: 2)] {
      var trees = Samples.manifest(.xgboost, history: 20, features: ["lag.1"])
      trees.scaling = scaling
      trees.target = .logChange
      trees.weights = ModelManifest.WeightsFile(file: "m.ubj", sha256: String(repeating: "a", count: 64), bytes: 1)
      #expect(try ModelManifest(json: trees.json()) == trees)
    }
  }

  @Test func theWrongFieldIsNamed() throws {
    let good = Samples.manifest(.tsb, history: 20, smoothing: smoothing)
    try good.check()
    let network = Samples.manifest(.deepar, history: 20, features: ["lag.1"])
    let cases: [(String, ModelManifest, (inout ModelManifest) -> Void)] = [
      ("format", good, { $0.format = 2 }), ("name", good, { $0.name = "../x" }), ("name", good, { $0.name = "" }),
      ("version", good, { $0.version = ".." }), ("series", good, { $0.series = "" }),
      ("series_kind", good, { $0.seriesKind = "weight" }), ("history", good, { $0.history = 0 }),
      ("history", good, { $0.history = 1 << 40 }), ("horizon", good, { $0.horizon = 0 }),
      ("period", good, { $0.period = 0 }), ("quantiles", good, { $0.quantiles = [0, 0.5] }),
      ("quantiles", good, { $0.quantiles = [0.5, 0.1] }), ("residuals", good, { $0.quantiles = [0.5] }),
      ("residuals", good, { $0.quantiles = [0.5]; $0.residuals = [[1]] }),
      ("residuals", good, { $0.quantiles = [0.4, 0.6]; $0.residuals = [[1, 0], [0, 1]] }),
      ("group_residuals", network, { $0.quantiles = [0.5]; $0.groupResiduals = ["a": [[1], [1]]] }),
      ("group_residuals.a", good, {
        $0.quantiles = [0.5]
        $0.residuals = [[1], [1]]
        $0.groupResiduals = ["a": [[1]]]
      }),
      ("smoothing", good, { $0.smoothing = nil }), ("smoothing", good, { $0.smoothing?.size = 0 }),
      ("scaling", good, { $0.scaling = .windowStandard }), ("target", good, { $0.target = .logChange }),
      ("series_kind", good, { $0.seriesKind = "price" }), ("features", good, { $0.features = ["lag.1"] }),
      ("weights", network, { _ in }),
      ("weights", network, { $0.weights = .init(file: "../w", sha256: String(repeating: "0", count: 64), bytes: 1) }),
      ("network", network, { $0.weights = .init(file: "w", sha256: String(repeating: "0", count: 64), bytes: 1) }),
    ]
    for (field, manifest, change) in cases {
      var manifest = manifest
      change(&manifest)
      let error = #expect(throws: ForecastError.self, "\(field)") { try manifest.check() }
      #expect(error?.message.contains(field) == true, "\(field): \(String(describing: error))")
    }
  }

  @Test func unreadableManifestsNameTheField() throws {
    let text = String(decoding: try Samples.manifest(.tsb, history: 20, smoothing: smoothing).json(), as: UTF8.self)
    let changes = [
      ("\"history\" : 20", "\"history\" : \"x\""), ("\"kind\" : \"tsb\"", "\"kind\" : \"oracle\""),
    ]
    for (change, field) in changes {
      let wrong = text.replacing(change, with: field)
      #expect(wrong != text)
      let error = #expect(throws: ForecastError.self) { try ModelManifest(json: Array(wrong.utf8)) }
      #expect(error?.kind == .badManifest && error?.message.contains(field.split(separator: "\"")[0]) == true)
    }
    #expect(throws: ForecastError.self) { try ModelManifest(json: Array("{".utf8)) }
    #expect(throws: ForecastError.self) { try ModelManifest(json: Array("[]".utf8)) }
  }

  @Test func featuresAreRead() throws {
    let drivers = [ModelManifest.Driver(name: "brent", series: "global.world.energy.brent")]
    #expect(try Feature("lag.3", drivers: drivers) == .lag(3))
    #expect(try Feature("driver.brent.change.10", drivers: drivers) == .driverChange(driver: 0, 10))
    #expect(try Feature("driver.brent.change.10", drivers: drivers).reach == 11)
    #expect(try Feature("calendar.week_sin", drivers: drivers) == .calendar(.weekSine))
    for text in ["", "lag", "lag.0", "lag.-1", "lag.x", "lag.1.2", "driver.oil.lag.1", "driver.brent.mean.1", "step.1",
                 "calendar.moon", "mean.99999999"] {
      let error = #expect(throws: ForecastError.self, "\(text)") { try Feature(text, drivers: drivers) }
      #expect(error?.kind == .unknownFeature)
    }
  }

  /// Against Foundation's calendar.
  @Test func calendarAgreesWithFoundation() throws {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
    for second in stride(from: -2_000_000_000, to: 4_000_000_000, by: 86_399 * 97) {
      let date = Date(timeIntervalSince1970: Double(second))
      let time = try #require(Timestamp(microseconds: Int64(second) * 1_000_000, offsetMinutes: 120))
      let parts = calendar.dateComponents([.month, .day, .hour, .weekday, .dayOfYear], from: date)
      let year = 2 * Double.pi * Double((parts.dayOfYear ?? 0) - 1) / 365.25
      #expect(CalendarFeature.month.value(at: time) == Double(parts.month ?? 0))
      #expect(CalendarFeature.day.value(at: time) == Double(parts.day ?? 0))
      #expect(CalendarFeature.hour.value(at: time) == Double(parts.hour ?? 0))
      #expect(CalendarFeature.weekday.value(at: time) == Double(((parts.weekday ?? 0) + 5) % 7))
      #expect(abs(CalendarFeature.yearSine.value(at: time) - sin(year)) < 1e-12)
    }
  }
}
