import Core
import Messages
import Pipeline
import Sentiment
import Values

/// An article or a post as stories are made of it.
package struct ReadArticle: Sendable {
  /// `source/id`
  package var name: String
  /// `news` or `social`
  package var kind: String
  package var source: String
  /// All posts of a site are one outlet, however many people print them.
  package var outlet: String
  package var title: String
  package var url: String
  package var publishedAt: Timestamp
  package var knownAt: Timestamp
  package var isWithdrawn: Bool
  /// Of another language than English: it has no mentions and no score then.
  package var language = TextLanguage.english
  package var fingerprint = Fingerprint(titleHash: 0, textHash: 0, title: [], text: [], numbers: 0)
  package var mentions: [Mention] = []
  package var polarity = Polarity()
  /// What a model head scores; empty where there is nothing to score, or no head.
  package var text = ""

  init(_ article: NewsArticle) {
    (name, kind, source, outlet) = (article.name, "news", article.source, article.outlet)
    (title, url, isWithdrawn) = (article.title, article.url, article.withdrawn)
    (publishedAt, knownAt) = (article.publishedAt, article.knownAt)
  }

  init(_ post: SocialPost) {
    (name, kind, source, outlet) = (post.name, "social", post.source, post.source)
    (title, url, isWithdrawn) = (post.title ?? post.text, post.url, post.withdrawn)
    (publishedAt, knownAt) = (post.publishedAt, post.knownAt)
  }
}

/// Reads articles and posts: their words, the companies they mention, what they say.
package struct ArticleReader: Sendable {
  package struct Limits: Sendable {
    /// An article that is published further ahead of the clock is refused.
    package var skew: Duration = .seconds(300)
    /// Mentions that are less sure are left out, in hundredths.
    package var confidence = 50
    /// Bytes of a title and a text: longer ones are refused.
    package var text = 64 << 10

    package init() {}
  }

  let scorer: SentimentScorer
  var mentions: TickerMentions
  let limits: Limits
  /// For a model head.
  let keepsText: Bool
  let now: @Sendable () -> Timestamp

  package init(
    _ scorer: SentimentScorer, _ names: CompanyNames, limits: Limits = Limits(), keepsText: Bool = false,
    now: @escaping @Sendable () -> Timestamp = Timestamp.now
  ) {
    (self.scorer, self.limits, self.keepsText, self.now) = (scorer, limits, keepsText, now)
    mentions = TickerMentions(names)
  }

  package enum Answer: Sendable {
    case article(ReadArticle)
    case refused(Rejection)
  }

  /// - Parameter isPost: it is of `social-posts`.
  package func read(_ value: RawSpan, isPost: Bool = false) -> Answer {
    do throws(DecodingFailure) {
      return isPost ? read(try SocialPost(decoding: value)) : read(try NewsArticle(decoding: value))
    } catch {
      return .refused(Rejection(code: error.code, stage: "decode", error.description))
    }
  }

  package func read(_ article: NewsArticle) -> Answer {
    read(ReadArticle(article), id: article.id, article.title, article.description ?? "", language: nil)
  }

  /// What a source says of the language of a post counts: posts are too short to tell.
  package func read(_ post: SocialPost) -> Answer {
    let headline = post.title ?? post.text
    return read(
      ReadArticle(post), id: post.id, headline, post.title == nil ? "" : post.text, language: post.language)
  }

  private func read(
    _ article: ReadArticle, id: String, _ title: String, _ description: String, language: String?
  ) -> Answer {
    guard !article.source.isEmpty, !id.isEmpty else {
      return .refused(Rejection(code: "bad_value", stage: "decode", "'source' and 'id' must not be empty"))
    }
    guard title.utf8.count + description.utf8.count <= limits.text else {
      return .refused(Rejection(code: "text_too_long", stage: "decode", "title and text are no headline or post"))
    }
    let ahead = article.publishedAt.microseconds - now().microseconds
    guard ahead <= Int64(limits.skew / .microseconds(1)) else {
      return .refused(Rejection(code: "published_in_future", stage: "decode", "published_at is ahead of the clock"))
    }
    return .article(article.isWithdrawn ? article : analysed(article, title, description, language))
  }

  private func analysed(
    _ article: ReadArticle, _ title: String, _ description: String, _ language: String?
  ) -> ReadArticle {
    var read = article
    let text = PlainText.of(description.isEmpty ? title : "\(title). \(description)")
    read.language = language.flatMap { $0 == "en" ? nil : .other($0) } ?? TextLanguage.of(text)
    guard read.language == .english else { return read }
    read.mentions = mentions.find(in: text).filter { $0.confidence >= limits.confidence }
    guard !read.mentions.isEmpty else { return read }
    read.fingerprint = Fingerprint(
      title: PlainText.forCopies(title), description: PlainText.forCopies(description), outlet: article.outlet)
    if keepsText { read.text = text } else { read.polarity = scorer.scoreWithoutNames(text) }
    return read
  }
}
