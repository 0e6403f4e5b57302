import ArgumentParser
import Core
import Documents
import EdgarSimulator
import Embedding
import Foundation
import LocalServers

/// `souk-bench filings`: bytes of filings per second and core, split by item into passages, beside Python doing the
/// same.
struct FilingsBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "filings",
    abstract: "Split annual reports by item into passages; lxml and regular expressions in Python do the same.",
    discussion: """
      The reports are generated in four layouts, with inline XBRL, tables and repeated headers. Rates are bytes of the \
      HTML per second of CPU time of one thread. "Text" is the markup alone; "split" is all that document-worker does \
      with a document but its vectors: text, items, passages of at most 230 tokens, as the hashing embedder counts \
      them. Python finds items with a regular expression over lxml's text.
      """)

  @Option(help: "Size of all reports, in MB.")
  var megabytes = 20
  @Option(help: "CPU seconds for each figure.")
  var seconds = 3.0

  private struct Reference: Decodable {
    /// Bytes per second.
    var text, split: Double
    /// Items found that are the truth.
    var items: Int
  }

  func run() async throws {
    #if DEBUG
      print("This is a debug build: its figures mean nothing.")
    #endif
    let python = try Program.require(
      "python3", in: Program.environmentFolders, package: "python3-venv, and lxml from PyPI")
    let folder = try PrivateFolder("bench-filings")
    defer { folder.remove() }
    let probe = EdgarCorpus(seed: 1, companies: 4, paragraphs: 20)
    let size = probe.filings.filter { $0.form == "10-K" }.reduce(0) { $0 + probe.html(of: $1).utf8.count }
    let corpus = EdgarCorpus(seed: 1, companies: 4, paragraphs: max(1, 20 * megabytes * 1_000_000 / max(1, size)))
    let filings = corpus.filings.filter { $0.form == "10-K" }
    let documents = filings.map { Array(corpus.html(of: $0).utf8) }
    let bytes = Double(documents.reduce(0) { $0 + $1.count })
    for (index, document) in documents.enumerated() {
      try Data(document).write(to: URL(filePath: "\(folder.path)/\(index).htm"))
      try Data(filings[index].items.joined(separator: " ").utf8).write(to: URL(filePath: "\(folder.path)/\(index).txt"))
    }
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "filings_reference.py").path
    let text = try await ChildProcess.runOrThrow(
      Launch(python, [script, folder.path, "\(seconds)"]), atMost: .seconds(1_800))
    let theirs = try JSONDecoder().decode(Reference.self, from: Data(text.utf8))

    let embedder = HashingEmbedder()
    let reading = try rate(seconds: seconds) { for document in documents { _ = try Self.text(document) } } * bytes
    let splitting = try rate(seconds: seconds) {
      for document in documents { _ = Self.split(try Self.text(document), embedder) }
    } * bytes
    let ours = try documents.map { Self.split(try Self.text($0), embedder) }
    let truth = filings.reduce(0) { $0 + $1.items.count }
    let right = zip(ours, filings).reduce(0) { sum, pair in
      let found = Set(pair.0.items.flatMap { item in item.numbers.map { "\(item.part ?? ""):\($0)" } })
      return sum + found.intersection(pair.1.items).count
    }
    let passages = ours.reduce(0) { $0 + $1.passages.count }
    print(String(
      format: "%d reports, %.1f MB, %d items, %d passages; MB/s per core", documents.count, bytes / 1e6, truth,
      passages))
    print(String(
      format: "  text   %7.1f, lxml   %7.1f: %5.1f times", reading / 1e6, theirs.text / 1e6, reading / theirs.text))
    print(String(
      format: "  split  %7.1f, Python %7.1f: %5.1f times; right items %d, Python %d", splitting / 1e6,
      theirs.split / 1e6, splitting / theirs.split, right, theirs.items))
  }

  private static func text(_ document: [UInt8]) throws -> DocumentText {
    var reader = DocumentReader(limit: 64 << 20)
    for start in stride(from: 0, to: document.count, by: 1 << 16) {
      try reader.read(Array(document[start..<min(document.count, start + 1 << 16)]))
    }
    return try reader.finish()
  }

  private static func split(_ text: DocumentText, _ embedder: HashingEmbedder) -> Filing {
    Filing(text, form: "10-K", limit: 230) { embedder.tokenCount($0) }
  }
}
