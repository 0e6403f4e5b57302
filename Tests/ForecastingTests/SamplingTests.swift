import Foundation
@testable import Forecasting
import TestSupport
import Testing

@Suite struct SamplingTests {
  /// The vectors that the authors of Philox publish with Random123 (kat_vectors, philox4x32 10 rounds).
  @Test func philoxAgreesWithItsPublishedVectors() {
    #expect(Philox.words(counter: SIMD4(0, 0, 0, 0), key: SIMD2(0, 0))
      == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    let ones = UInt32.max
    #expect(Philox.words(counter: SIMD4(ones, ones, ones, ones), key: SIMD2(ones, ones))
      == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(Philox.words(
      counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), key: SIMD2(0xa409_3822, 0x299f_31d0))
      == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  private struct Drawn: Encodable {
    var kind: String
    var parameters: [Double]
    var values: [Double]
  }

  /// As SciPy sees it. The seed is fixed, so that chance has spoken once.
  @Test(.timeLimit(.minutes(10))) func samplesFollowTheirDistribution() async throws {
    var drawn: [Drawn] = []
    func add(_ kind: String, _ parameters: [Double], _ draw: (inout RandomStream) -> Double) {
      drawn.append(Drawn(kind: kind, parameters: parameters, values: (0..<20_000).map { path in
        var stream = RandomStream(seed: 42, path: path, step: drawn.count)
        return draw(&stream)
      }))
    }
    add("uniform", []) { $0.uniform() }
    add("norm", []) { $0.normal() }
    for freedom in [2.1, 5, 40, 3_000] { add("t", [freedom]) { $0.studentT(freedom: freedom) } }
    for shape in [0.3, 1, 2.5, 60] { add("gamma", [shape]) { $0.gamma(shape: shape) } }
    for mean in [0.4, 6, 29.9, 30.1, 250, 1e6] { add("poisson", [mean]) { $0.poisson(mean: mean) } }
    for (mean, dispersion) in [(0.5, 2.0), (12, 0.4), (300, 0.05), (40, 3)] {
      add("negative_binomial", [mean, dispersion]) {
        StepDistribution.negativeBinomial(mean: mean, dispersion: dispersion).sample(&$0)
      }
    }
    let values = try await withTemporaryDirectory { folder -> [Double] in
      try JSONEncoder().encode(drawn).write(to: URL(fileURLWithPath: "\(folder)/drawn"))
      let text = try await Reference.run("samples.py", ["\(folder)/drawn"])
      return try JSONDecoder().decode([Double].self, from: Data(text.utf8))
    }
    #expect(values.count == drawn.count)
    for (one, value) in zip(drawn, values) { #expect(value > 1e-4, "\(one.kind) \(one.parameters)") }
  }

  @Test func streamsDoNotOverlap() {
    var seen: Set<UInt64> = []
    for seed in [UInt64(0), 1, 1 << 32] {
      for path in 0..<50 {
        for step in 0..<4 {
          var stream = RandomStream(seed: seed, path: path, step: step)
          for _ in 0..<8 { seen.insert(stream.uniform().bitPattern) }
        }
      }
    }
    #expect(seen.count == 3 * 50 * 4 * 8)
  }

  @Test func quantilesLieBetweenTheNearestSamples() {
    let sorted = [1.0, 2, 4, 8, 16]
    #expect(quantile(0.5, ofSorted: sorted) == 4)
    #expect(quantile(0.1, ofSorted: sorted) == 1.4)
    #expect(quantile(0.99, ofSorted: sorted) == 8 + 0.96 * 8)
    #expect(quantile(0.3, ofSorted: [7]) == 7)
  }
}
