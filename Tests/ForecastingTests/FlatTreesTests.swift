@testable import Forecasting
import Foundation
import Testing
import TestSupport

/// Trees walked by this program, against the library's own answers: equal to the last bit.
@Suite struct FlatTreesTests {
  /// The starter model of the parser: two classes.
  private struct Starter: Decodable {
    var pairs: Data
    var rows: Data

    static func load() throws -> Starter {
      let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
      let file = root.appendingPathComponent("Services/Parser/Models/models/masters/starter/model.json")
      return try JSONDecoder().decode(Self.self, from: Data(contentsOf: file))
    }
  }

  @Test func answersAreTheLibrarysToTheLastBit() throws {
    let starter = try Starter.load()
    var random = TestRandom("flat trees")
    for model in [starter.pairs, starter.rows] {
      let booster = try Booster(Array(model), threads: 1)
      let flat = try #require(booster.flat)
      for rows in [1, 7, 8, 63, 64, 65, 300] {
        var matrix = (0..<rows * booster.features).map { _ in Float.random(in: -12...12, using: &random) }
        // Whole numbers, as counts are, and the ends of the range.
        for place in matrix.indices where place % 3 == 0 { matrix[place].round() }
        for place in matrix.indices where place % 11 == 0 { matrix[place] = place % 2 == 0 ? .infinity : -.infinity }
        let expected = try booster.predictByLibrary(matrix, rows: rows)
        #expect(flat.predict(matrix, rows: rows).map(\.bitPattern) == expected.map(\.bitPattern))
        let probes = flat.probes(rows)
        let atThresholds = try booster.predictByLibrary(probes, rows: rows)
        #expect(flat.predict(probes, rows: rows).map(\.bitPattern) == atThresholds.map(\.bitPattern))
      }
    }
  }
}
