import ArgumentParser
import Core
import NewsSimulator
import SimulatorServer

/// Serves invented news until stopped.
@main
struct NewsSimulatorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "news-simulator", abstract: "NewsAPI, Reddit and X with invented texts, for demos and tests.",
    discussion: """
      GET /v2/everything answers as NewsAPI; the key is 'key'. Copies, late articles and withdrawals are drawn from \
      the seed; GET /_news/truth lists the stories with the outlets that stay. POST /_news/fault?mode=rate-limited \
      misbehaves. Reddit (key and secret 'key', a User-Agent with 'by /u/') and X (token 'key') are the same \
      under /_social. The last earnings call of each company is given as Alpha Vantage and FMP give it.
      """,
    version: Souk.version)

  @OptionGroup var listen: ListenOptions
  @Option(help: "What the news are drawn from.") var seed: UInt64 = 1
  @Option(help: "Stories.") var stories = 40
  @Option(help: "Texts of posts.") var posts = 40

  func validate() throws {
    guard (1...100_000).contains(stories) else { throw ValidationError("--stories must be 1 to 100000") }
    guard (0...100_000).contains(posts) else { throw ValidationError("--posts must be 0 to 100000") }
  }

  func run() async throws {
    let news = NewsCorpus(seed: seed, stories: stories)
    let social = SocialCorpus(seed: seed, texts: posts, news: news)
    let simulator = NewsSimulator(news, social: social, server: listen.server("news-simulator"))
    simulator.transcripts.fill()
    try await simulator.run(listen)
  }
}
