import Core
import Messages
import Pipeline
import Sentiment
import Values

/// An article as stories are made of it.
package struct ReadArticle: Sendable {
  /// `source/id`
  package var name: String
  package var source: String
  package var outlet: String
  package var title: String
  package var url: String
  package var publishedAt: Timestamp
  package var knownAt: Timestamp
  package var isWithdrawn: Bool
  /// Of another language than English: it has no mentions and no score then.
  package var language: TextLanguage
  package var fingerprint: Fingerprint
  package var mentions: [Mention]
  package var polarity: Polarity
}

/// Reads articles: their words, the companies they mention, what they say.
package struct ArticleReader: Sendable {
  package struct Limits: Sendable {
    /// An article that is published further ahead of the clock is refused.
    package var skew: Duration = .seconds(300)
    /// Mentions that are less sure are left out, in hundredths.
    package var confidence = 50
    /// Bytes of a title and a description: longer ones are no headlines, and are refused.
    package var text = 64 << 10

    package init() {}
  }

  let scorer: SentimentScorer
  let mentions: TickerMentions
  let limits: Limits
  let now: @Sendable () -> Timestamp

  package init(
    _ scorer: SentimentScorer, _ names: CompanyNames, limits: Limits = Limits(),
    now: @escaping @Sendable () -> Timestamp = Timestamp.now
  ) {
    (self.scorer, self.limits, self.now) = (scorer, limits, now)
    mentions = TickerMentions(names)
  }

  package enum Answer: Sendable {
    case article(ReadArticle)
    case refused(Rejection)
  }

  package func read(_ value: RawSpan) -> Answer {
    let article: NewsArticle
    do throws(DecodingFailure) { article = try NewsArticle(decoding: value) } catch {
      return .refused(Rejection(code: error.code, stage: "decode", error.description))
    }
    return read(article)
  }

  package func read(_ article: NewsArticle) -> Answer {
    guard !article.source.isEmpty, !article.id.isEmpty else {
      return .refused(Rejection(code: "bad_value", stage: "decode", "'source' and 'id' must not be empty"))
    }
    let description = article.description ?? ""
    guard article.title.utf8.count + description.utf8.count <= limits.text else {
      return .refused(Rejection(code: "text_too_long", stage: "decode", "title and description are no headline"))
    }
    let ahead = article.publishedAt.microseconds - now().microseconds
    guard ahead <= Int64(limits.skew / .microseconds(1)) else {
      return .refused(Rejection(code: "published_in_future", stage: "decode", "published_at is ahead of the clock"))
    }
    return .article(analysed(article, description))
  }

  private func analysed(_ article: NewsArticle, _ description: String) -> ReadArticle {
    var read = ReadArticle(
      name: article.name, source: article.source, outlet: article.outlet, title: article.title, url: article.url,
      publishedAt: article.publishedAt, knownAt: article.knownAt, isWithdrawn: article.withdrawn, language: .english,
      fingerprint: Fingerprint(titleHash: 0, textHash: 0, title: [], text: [], numbers: 0), mentions: [],
      polarity: Polarity())
    if article.withdrawn { return read }
    let text = description.isEmpty ? article.title : "\(article.title). \(description)"
    read.language = TextLanguage.of(text)
    guard read.language == .english else { return read }
    read.mentions = mentions.find(in: text).filter { $0.confidence >= limits.confidence }
    guard !read.mentions.isEmpty else { return read }
    read.fingerprint = Fingerprint(title: article.title, description: description, outlet: article.outlet)
    read.polarity = scorer.scoreWithoutNames(text)
    return read
  }
}
