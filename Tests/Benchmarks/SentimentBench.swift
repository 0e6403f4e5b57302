import ArgumentParser
import Core
import Foundation
import LocalServers
import Messages
import NewsSimulator
import Sentiment
import SentimentWorkerService
import Values

/// `souk-bench sentiment`: headlines per second and core, scored and clustered, beside Python doing the same.
struct SentimentBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sentiment",
    abstract: "Score headlines and cluster them into stories; vaderSentiment and Python do the same.",
    discussion: """
      The articles are a generated corpus with copies. Rates are per second of CPU time of one thread, with the \
      lexicon of vaderSentiment. Clustering is fingerprints, blocks and the comparison of words, as in \
      sentiment-worker, without Redis. "All" is what the worker does with a record before Redis: it also decodes the \
      message, tells the language and finds the companies.
      """)

  @Option(help: "Stories of the corpus.")
  var stories = 4_000
  @Option(help: "CPU seconds for each figure.")
  var seconds = 3.0

  func run() async throws {
    #if DEBUG
      print("This is a debug build: its figures mean nothing.")
    #endif
    let python = try Program.require(
      "python3", in: Program.environmentFolders, package: "python3-venv, and vaderSentiment from PyPI")
    let folder = try PrivateFolder("bench-sentiment")
    defer { folder.remove() }
    let corpus = NewsCorpus(seed: 1, stories: stories).articles.filter { $0.story != nil }
    let file = folder.path + "/articles.json"
    let rows = corpus.map { ["title": $0.title, "description": $0.description ?? "", "outlet": $0.outlet] }
    try JSONSerialization.data(withJSONObject: rows).write(to: URL(filePath: file))
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "sentiment_reference.py").path
    let text = try await ChildProcess.runOrThrow(Launch(python, [script, file, "\(seconds)"]), atMost: .seconds(1_800))
    let theirs = try JSONDecoder().decode(Reference.self, from: Data(text.utf8))
    let lexicon = try Lexicon(
      name: "vader-3.3.2", file: theirs.lexicon, hash: Lexicon.vaderHash, emoji: theirs.emoji,
      emojiHash: Lexicon.vaderEmojiHash)
    try measure(corpus, lexicon, theirs)
  }

  private struct Reference: Decodable {
    var lexicon, emoji: String
    /// Headlines per second.
    var score, cluster, both: Double
    /// Stories found, and the sum of all scores.
    var stories: Int
    var sum: Int
  }

  private func measure(_ corpus: [NewsCorpus.Article], _ lexicon: Lexicon, _ theirs: Reference) throws {
    let scorer = SentimentScorer(lexicon)
    let texts = corpus.map { Array("\($0.title). \($0.description ?? "")".utf8) }
    let sum = texts.reduce(0) { $0 + scorer.score($1).compound }
    guard sum == theirs.sum else { throw ValidationError("the scores differ: \(sum), and \(theirs.sum) in Python") }
    let articles = corpus.map { item in
      NewsArticle(
        source: "newsapi", id: "\(item.number)", outlet: item.outlet, url: item.url, title: item.title,
        description: item.description,
        publishedAt: Timestamp(microseconds: (1_800_000_000 - Int64(item.age)) * 1_000_000)!,
        knownAt: Timestamp(microseconds: 1_800_000_000_000_000)!)
    }
    let count = Double(corpus.count)
    let reader = ArticleReader(scorer, .large, now: { Timestamp(microseconds: 1_800_000_000_000_000)! })
    let read = articles.compactMap { article in
      if case .article(let read) = reader.read(article) { read } else { nil }
    }
    func clustered(_ read: [ReadArticle]) -> Int {
      var book = StoryBook(StoryBook.Settings(), scorer: lexicon.name)
      for article in read { _ = book.take(article) }
      return book.stories.count
    }
    let score = rate(seconds: seconds) { for text in texts { _ = scorer.score(text) } } * count
    let cluster = rate(seconds: seconds) { _ = clustered(fingerprinted(read, articles)) } * count
    let both = 1 / (1 / score + 1 / cluster)
    let encoded = articles.map { $0.encoded() }
    let all = rate(seconds: seconds) {
      _ = clustered(encoded.compactMap { bytes in
        if case .article(let read) = reader.read(bytes.span.bytes) { read } else { nil }
      })
    } * count
    print("\(corpus.count) headlines of \(stories) stories, headlines/s per core")
    print(String(format: "  score    %9.0f, Python %9.0f: %6.1f times", score, theirs.score, score / theirs.score))
    print(String(
      format: "  cluster  %9.0f, Python %9.0f: %6.1f times; %d stories, Python %d", cluster, theirs.cluster,
      cluster / theirs.cluster, clustered(read), theirs.stories))
    print(String(format: "  both     %9.0f, Python %9.0f: %6.1f times", both, theirs.both, both / theirs.both))
    print(String(format: "  all      %9.0f", all))
  }

  private func fingerprinted(_ read: [ReadArticle], _ articles: [NewsArticle]) -> [ReadArticle] {
    zip(read, articles).map { known, article in
      var known = known
      known.fingerprint = Fingerprint(
        title: article.title, description: article.description ?? "", outlet: article.outlet)
      return known
    }
  }
}
