import ArgumentParser
import Core
import Options
import Pipeline
import Sentiment

/// What articles are scored with, and which of them are one story.
struct SentimentOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Words and their valence, in the form of vaderSentiment's vader_lexicon.txt; the words about finance are added to "
      + "them. Default: those words alone.", valueName: "path"))
  var lexicon: String?

  @Option(help: ArgumentHelp(
    "SHA-256 that --lexicon must have, or any; default: that of vaderSentiment 3.3.2.", valueName: "digest"))
  var lexiconHash: String?

  @Option(help: ArgumentHelp(
    "Emoji and what they stand for, in the form of vaderSentiment's emoji_utf8_lexicon.txt.", valueName: "path"))
  var emojiLexicon: String?

  @Flag(help: "Leave the words about finance out: scores are those of the lexicon alone.")
  var noFinanceWords = false

  @Option(help: ArgumentHelp(
    "Companies and their symbols, in the form of the SEC's company_tickers.json; default: EDGAR's table once a fetcher "
      + "of filings has kept it in Redis, until then some fifty large ones.",
    valueName: "path"))
  var names: String?

  @Option(help: ArgumentHelp(
    "Name of a model head in the registry ('models' in the object store), which scores in place of the words; a new "
      + "version is taken up by itself. 'sentiment-worker train' makes one.", valueName: "name"))
  var head: String?

  @Option(help: ArgumentHelp("Time between two looks for another version of the head.", valueName: "time"))
  var headInterval = DurationSetting(.seconds(30))

  @Option(help: ArgumentHelp(
    "Mentions of a company that are less sure make no event, from 0 to 1.", valueName: "ratio"))
  var minConfidence = 0.5

  @Option(help: ArgumentHelp(
    "Articles that are published further apart are different stories.", valueName: "time"))
  var storyWindow = DurationSetting(.seconds(3 * 86_400))

  @Option(help: ArgumentHelp(
    "How long Redis keeps a story after its last change: longer than \(SentimentOptions.topic) keeps its articles.",
    valueName: "time"))
  var storyLife = DurationSetting(.seconds(14 * 86_400))

  @Option(help: ArgumentHelp(
    "How long other replicas wait for the lease of the stories after one was killed.", valueName: "time"))
  var leaseTimeout = DurationSetting(.seconds(10))

  @Option(help: ArgumentHelp(
    "An article whose published_at is further ahead of the clock is refused.", valueName: "time"))
  var maxSkew = DurationSetting(.seconds(300))

  @Option(help: ArgumentHelp("Articles that make a flush.", valueName: "count"))
  var flushArticles = 500

  @Option(help: ArgumentHelp("Longest time an article waits for others before it is clustered.", valueName: "time"))
  var linger = DurationSetting(.milliseconds(50))

  func validate() throws {
    guard (0...1).contains(minConfidence) else { throw ValidationError("--min-confidence goes from 0 to 1") }
    guard storyWindow.duration > .zero, storyLife.duration >= storyWindow.duration else {
      throw ValidationError("--story-window must be above zero and not above --story-life")
    }
    guard leaseTimeout.duration >= .milliseconds(100), maxSkew.duration >= .zero else {
      throw ValidationError("--lease-timeout must be 100ms or more, --max-skew not below zero")
    }
    guard headInterval.duration >= .seconds(1) else { throw ValidationError("--head-interval must be 1s or more") }
    guard (1...10_000).contains(flushArticles) else { throw ValidationError("--flush-articles goes from 1 to 10000") }
    guard lexicon != nil || emojiLexicon == nil && lexiconHash == nil && !noFinanceWords else {
      throw ValidationError("--emoji-lexicon, --lexicon-hash and --no-finance-words need --lexicon")
    }
  }

  var policy: FlushPolicy { FlushPolicy(rows: flushArticles, bytes: 8 << 20, linger: linger.duration) }

  /// - Throws: `Failure` of class configuration that names the file.
  func words() throws(Failure) -> Lexicon {
    guard let lexicon else { return .finance }
    let isVader = lexiconHash == nil || lexiconHash?.lowercased() == Lexicon.vaderHash
    let file = try Lexicon(
      name: isVader ? "vader-3.3.2" : "own", file: lexicon,
      hash: lexiconHash == "any" ? nil : lexiconHash ?? Lexicon.vaderHash, emoji: emojiLexicon,
      emojiHash: isVader ? Lexicon.vaderEmojiHash : nil)
    return noFinanceWords ? file : file.adding(.finance)
  }

  /// - Throws: the same.
  func reader() throws(Failure) -> ArticleReader {
    var limits = ArticleReader.Limits()
    limits.skew = maxSkew.duration
    limits.confidence = Int((minConfidence * 100).rounded())
    let companies: CompanyNames
    if let names { companies = try CompanyNames(file: names) } else { companies = .large }
    return ArticleReader(SentimentScorer(try words()), companies, limits: limits, keepsText: head != nil)
  }

  var stories: StoryBook.Settings {
    var settings = StoryBook.Settings()
    settings.window = storyWindow.duration
    return settings
  }

  var store: StoryStore.Settings {
    var settings = StoryStore.Settings()
    settings.life = storyLife.duration
    settings.lease = leaseTimeout.duration
    return settings
  }

  private static let topic = "news-articles"
}
