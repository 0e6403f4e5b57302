import ArgumentParser
import Core
import EmbeddingFlags
import Options

/// How long documents and their passages are kept, and which texts have vectors.
struct DocumentOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    """
    How long documents and their passages are kept, by source; those of a source that is not named as long as 'other'.
    """,
    valueName: "source=time,..."))
  var documentRetention = "edgar=90d,other=30d"

  @Option(help: ArgumentHelp(
    "Entries of stream:raw_documents, about; 0 keeps no such stream.", valueName: "count"))
  var documentTailLength = 10_000

  @Option(help: "Passages that are expected, for the memory that --check says is needed.")
  var expectedPassages = 5_000

  @Flag(help: "Articles and posts get vectors, made here, and the indexes idx:news and idx:posts.")
  var newsVectors = false

  @OptionGroup var embedding: EmbeddingOptions

  func validate() throws {
    do { _ = try retention() } catch { throw ValidationError(error.message) }
    guard (0...1_000_000).contains(documentTailLength) else {
      throw ValidationError("--document-tail-length must be 0 to 1000000")
    }
    guard expectedPassages >= 0 else { throw ValidationError("--expected-passages must not be below zero") }
  }

  /// - Throws: `Failure(.configuration)` that names what is wrong.
  func retention() throws(Failure) -> RetentionBySource {
    try RetentionBySource(
      documentRetention, others: .seconds(30 * 86_400), flag: "--document-retention", example: "edgar=90d")
  }
}
