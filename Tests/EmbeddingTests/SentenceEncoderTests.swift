import Core
@testable import Embedding
import Foundation
import LocalServers
import Testing
import TestSupport

/// The encoder against the tokenizer of the package tokenizers and a forward pass in numpy, which agrees with
/// transformers' `BertModel` to 2e-7.
@Suite struct SentenceEncoderTests {
  /// Loaded once: 90 MB.
  private static let encoder = Task { try SentenceEncoder.load(folder: try await MiniLM.folder()) }

  @Test(.timeLimit(.minutes(15))) func vectorsAreThoseOfTheReference() async throws {
    let encoder = try await Self.encoder.value
    #expect(encoder.name == "minilm-l6-v2" && encoder.dimensions == 384 && encoder.mostTokens == 254)
    var texts = [
      "", "Hello", "Net sales grew 4 percent, to $94.9 billion.", "naïve café, Zürich; 苹果公司 can't",
      "The company's risk factors include disruption of its supply chain. ",
      String(repeating: "longer than what counts, 12.5% of it ", count: 60),
    ]
    texts += (0..<10).map { index in String(repeating: "Item \(index). Legal proceedings ", count: index + 1) }
    let truth = try await MiniLM.run("embed", texts)
    let vectors = encoder.embed(texts)
    for (index, (vector, true_)) in zip(vectors, truth).enumerated() {
      let expected = try #require(true_.vector)
      let difference = zip(vector, expected).map { abs($0 - $1) }.max() ?? 1
      #expect(difference < 1e-5, "\(texts[index])")
      #expect(encoder.tokens(texts[index]) == true_.ids)
    }
    // Neighbours in a batch change the last digits at most.
    for index in [1, 4] {
      let difference = zip(encoder.embed([texts[index]])[0], vectors[index]).map { abs($0 - $1) }.max() ?? 1
      #expect(difference < 1e-6)
    }
  }

  @Test(.timeLimit(.minutes(15))) func piecesAreThoseOfTheReference() async throws {
    let encoder = try await Self.encoder.value
    var random = TestRandom("wordpieces")
    // Letters of several scripts, accents, marks, kana and Chinese, symbols, emoji, controls.
    let ranges: [ClosedRange<UInt32>] = [
      0x20...0x7e, 0x20...0x7e, 0x61...0x7a, 0x61...0x7a, 0xa0...0x17f, 0x300...0x33f, 0x391...0x3a1, 0x410...0x44f,
      0x5d0...0x5ea, 0x627...0x64a, 0x905...0x939, 0xe01...0xe2e, 0x2010...0x2027, 0x20a0...0x20b5, 0x2190...0x21ff,
      0x3041...0x3096, 0x30a1...0x30fa, 0x4e00...0x4fff, 0xac00...0xac80, 0xff01...0xff5e, 0x1f300...0x1f5ff,
      0x1...0x1f, 0x7f...0x9f, 0x200b...0x200f,
    ]
    let words = [
      "incorporated", "EBITDA", "unaffordability", "Zürich", "$AAPL", "10-K", "Item 1A.", "can't", "\n", "\u{a0}",
      "İstanbul", "straße", "ΑΣ", "e\u{301}", "\u{fffd}", String(repeating: "x", count: 101), "a\u{ad}b",
    ]
    let texts = (0..<3_000).map { _ in
      (0..<Int.random(in: 1...12, using: &random)).map { _ -> String in
        if Int.random(in: 0..<4, using: &random) == 0 { return words.randomElement(using: &random)! }
        var word = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 1...8, using: &random) {
          let range = ranges.randomElement(using: &random)!
          if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) { word.append(scalar) }
        }
        return String(word)
      }.joined(separator: Bool.random(using: &random) ? " " : "")
    }
    var wrong: [String] = []
    for (text, truth) in zip(texts, try await MiniLM.run("tokens", texts)) {
      let tokens = encoder.tokens(text)
      if tokens != truth.ids {
        wrong.append(text.unicodeScalars.map { String($0.value, radix: 16) }.joined(separator: " "))
      }
      if truth.ids.count < 256 { #expect(encoder.tokenCount(text) == truth.ids.count - 2) }
    }
    #expect(wrong.isEmpty, "\(wrong.count) of \(texts.count): \(wrong.prefix(5))")
  }

  @Test(.timeLimit(.minutes(15))) func meaningIsNearer() async throws {
    let encoder = try await Self.encoder.value
    let vectors = encoder.embed([
      "How much money did the company make?", "Revenue was 94.9 billion dollars.", "The weather in Cairo is hot.",
    ])
    func near(_ a: Int, _ b: Int) -> Float { zip(vectors[a], vectors[b]).reduce(0) { $0 + $1.0 * $1.1 } }
    #expect(near(0, 1) > near(0, 2) + 0.2)
  }

  @Test(.timeLimit(.minutes(15))) func otherFilesAreNamedOrRefused() async throws {
    let home = try await MiniLM.folder()
    let published = try #require(SHA256Digest(hex: SentenceEncoder.miniLM.weights))
    let wrong = SHA256.hash("another file")
    let refusal = #expect(throws: Failure.self) { try SentenceEncoder.load(folder: home, expected: wrong) }
    #expect(refusal?.errorClass == .configuration && refusal?.message.contains(published.hex) == true)
    try await withTemporaryDirectory { folder in
      let absent = #expect(throws: Failure.self) { try SentenceEncoder.load(folder: folder) }
      #expect(absent?.errorClass == .configuration && absent?.message.contains("model.safetensors") == true)
      var weights = Array(try Data(contentsOf: URL(filePath: "\(home)/model.safetensors")))
      try FileManager.default.copyItem(atPath: "\(home)/vocab.txt", toPath: "\(folder)/vocab.txt")
      weights[weights.count - 2] ^= 1
      try Data(weights).write(to: URL(filePath: "\(folder)/model.safetensors"))
      let other = try SentenceEncoder.load(folder: folder)
      #expect(other.name == "minilm-l6-\(other.hash.hex.prefix(8))" && other.hash != published)
      try Data(weights.dropLast(4)).write(to: URL(filePath: "\(folder)/model.safetensors"))
      let damaged = #expect(throws: Failure.self) { try SentenceEncoder.load(folder: folder) }
      #expect(damaged?.errorClass == .configuration)
    }
  }
}

/// Runs `minilm.py`. A test without its truth has failed.
enum MiniLM {
  struct Truth: Decodable {
    var ids: [Int32]
    var vector: [Float]?
  }

  static func folder() async throws -> String {
    try await start(["folder"]).split(separator: "\n").first.map(String.init) ?? ""
  }

  static func run(_ what: String, _ texts: [String]) async throws -> [Truth] {
    try await withTemporaryDirectory { folder in
      try JSONEncoder().encode(texts).write(to: URL(filePath: "\(folder)/texts.json"))
      return try await start([what, "\(folder)/texts.json"]).split(separator: "\n").map {
        try JSONDecoder().decode(Truth.self, from: Data($0.utf8))
      }
    }
  }

  private static func start(_ arguments: [String]) async throws -> String {
    let script = String(#filePath.dropLast("SentenceEncoderTests.swift".count)) + "minilm.py"
    let launch = Launch(".souk/venv/bin/python", [script] + arguments)
    return try await ChildProcess.runOrThrow(launch, atMost: .seconds(600))
  }
}
