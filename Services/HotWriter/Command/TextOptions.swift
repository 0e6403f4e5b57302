import ArgumentParser
import Core
import EmbeddingFlags
import Options

/// How long texts are kept.
struct TextOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "How long articles and posts are kept, by source; those of a source that is not named as long as 'other'.",
    valueName: "source=time,..."))
  var newsRetention = "newsapi=30d,other=7d"

  @Option(help: ArgumentHelp("How long stories and the sentiment line of a symbol are kept.", valueName: "time"))
  var sentimentRetention = DurationSetting(.seconds(90 * 86_400))

  @Option(help: ArgumentHelp(
    "How long unusual activity in a symbol's options and its line are kept.", valueName: "time"))
  var flowRetention = DurationSetting(.seconds(30 * 86_400))

  @Option(help: ArgumentHelp(
    "Entries of stream:raw_news and of stream:raw_posts, about; 0 keeps no such streams.", valueName: "count"))
  var newsTailLength = 10_000

  func validate() throws {
    do { _ = try policy() } catch { throw ValidationError(error.message) }
  }

  /// - Throws: `Failure(.configuration)` that names what is wrong.
  func policy() throws(Failure) -> TextPolicy {
    var policy = TextPolicy()
    policy.news = try RetentionByName(
      newsRetention, others: .seconds(7 * 86_400), flag: "--news-retention", example: "newsapi=30d")
    guard sentimentRetention.duration > .zero, flowRetention.duration > .zero else {
      throw Self.invalid("--sentiment-retention and --flow-retention must be above zero")
    }
    guard (0...1_000_000).contains(newsTailLength) else {
      throw Self.invalid("--news-tail-length must be 0 to 1000000")
    }
    (policy.sentiment, policy.flow, policy.tail) = (
      sentimentRetention.duration, flowRetention.duration, newsTailLength)
    return policy
  }

  private static func invalid(_ text: String) -> Failure { Failure(.configuration, code: "invalid_setting", text) }
}

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
  func retention() throws(Failure) -> RetentionByName {
    try RetentionByName(
      documentRetention, others: .seconds(30 * 86_400), flag: "--document-retention", example: "edgar=90d")
  }
}
