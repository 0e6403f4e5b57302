import ArgumentParser
import Core
import Foundation
import Options

/// How documents are read and cut.
struct DocumentOptions: ParsableArguments {
  @Option(help: "Documents read at the same time, each on its own thread. (default: the number of processors, 2 to 8)")
  var concurrency: Int?

  @Option(help: ArgumentHelp(
    "Largest document, read as it arrives and never held whole unless it is JSON; a larger one is a dead letter.",
    valueName: "size"))
  var maxDocumentSize = ByteSize.mib(64)

  @Option(help: ArgumentHelp(
    "Most text of a document without its markup, which is held; one with more is dead-lettered.", valueName: "size"))
  var maxTextSize = ByteSize.mib(16)

  @Option(help: ArgumentHelp(
    "Tokens of a passage at most, as the embedding counts them.", valueName: "count"))
  var passageTokens = 230

  func validate() throws {
    guard (1...64).contains(concurrency ?? 1) else { throw ValidationError("--concurrency goes from 1 to 64") }
    guard (1 << 10...1 << 30).contains(maxDocumentSize.bytes), (1 << 10...1 << 30).contains(maxTextSize.bytes) else {
      throw ValidationError("--max-document-size and --max-text-size go from 1KiB to 1GiB")
    }
    guard (32...2_000).contains(passageTokens) else { throw ValidationError("--passage-tokens goes from 32 to 2000") }
  }

  var documentsAtOnce: Int {
    concurrency ?? min(8, max(2, ProcessInfo.processInfo.activeProcessorCount))
  }
}
