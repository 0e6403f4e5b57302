/// Invented posts with a truth: which company each means, what it says of it, which are copies of one text or of an
/// article, and which are removed.
///
/// A function of its seed and of the news that some of the posts repeat. No two own texts have the same number.
package struct SocialCorpus: Sendable {
  package enum Site: String, CaseIterable, Hashable, Sendable { case reddit, x }

  package struct Post: Hashable, Sendable {
    package var number: Int
    package var site: Site
    /// Of ``SocialCorpus/texts``, whose copies are one story; nil: it repeats an article, or is about no company.
    package var story: Int?
    /// Of the news that it repeats.
    package var repeats: Int?
    package var author: String
    package var community: String
    /// Of Reddit.
    package var title: String
    package var text: String
    package var link: String?
    package var language: String
    /// Seconds before the corpus' time at which it was written.
    package var age: Int
    /// Seconds after the corpus' time at which it can be seen first; 0 for most.
    package var appears: Int
    /// Seconds after the corpus' time at which it is removed.
    package var removed: Int?
  }

  /// A text of its own.
  package struct Text: Hashable, Sendable {
    package var symbol: String
    /// What its words say: 1 or -1.
    package var sign: Int
    /// Where it stays.
    package var sites: Set<String> = []
  }

  package private(set) var texts: [Text] = []
  package private(set) var posts: [Post] = []
  private var dice: CorpusDice

  package static let communities = ["stocks", "investing"]

  /// - Parameters:
  ///   - texts: own ones; about a third is posted on both sites.
  ///   - news: every third of its stories is repeated by a post.
  ///   - removed: of ten posts so many are removed.
  package init(seed: UInt64, texts count: Int, news: NewsCorpus? = nil, removed: Int = 1) {
    dice = CorpusDice(seed: seed &+ 77)
    for number in 0..<count {
      let company = NewsCorpus.companies[dice.below(NewsCorpus.companies.count)]
      let pattern = Self.patterns[dice.below(Self.patterns.count)]
      let text = pattern.text.replacing("NAME", with: company.name).replacing("SYM", with: company.symbol)
        .replacing("N1", with: "\(number + 1_000)")
      texts.append(Text(symbol: company.symbol, sign: pattern.sign))
      let sites: [Site] = switch dice.below(3) {
      case 0: [.reddit]
      case 1: [.x]
      default: [.reddit, .x]
      }
      let age = 300 + dice.below(20_000)
      for (place, site) in sites.enumerated() {
        let isGone = dice.below(10) < removed
        if !isGone { texts[number].sites.insert(site.rawValue) }
        append(site, text, title: text, story: number, age: age - place * 60, isGone: isGone)
      }
      if number % 5 == 0 {
        let noise = Self.noise[dice.below(Self.noise.count)]
        append(
          number % 2 == 0 ? .reddit : .x, "\(noise.text) \(number)", title: "\(noise.text) \(number)", story: nil,
          language: noise.language, age: 300 + dice.below(20_000))
      }
    }
    for story in news?.stories ?? [] where story.number % 3 == 0 {
      guard let article = news?.articles.first(where: { $0.story == story.number && $0.withdrawn == nil }) else {
        continue
      }
      let headline = article.title.replacing(" - \(article.outlet)", with: "")
      append(
        story.number % 2 == 0 ? .reddit : .x, "\(headline) $\(story.symbol)", title: headline, story: nil,
        repeats: story.number, link: article.url, age: max(30, article.age - 30))
    }
  }

  private mutating func append(
    _ site: Site, _ text: String, title: String, story: Int?, repeats: Int? = nil, link: String? = nil,
    language: String = "en", age: Int, isGone: Bool = false
  ) {
    let number = posts.count
    // What people add to a text that they copy.
    let suffix = site == .x ? " @desk_\(dice.below(90)) https://t.co/\(number)" : ""
    posts.append(Post(
      number: number, site: site, story: story, repeats: repeats, author: "user\(dice.below(5_000))",
      community: Self.communities[dice.below(Self.communities.count)], title: title,
      text: site == .x ? text + suffix : "", link: link, language: language, age: max(20, age),
      appears: !isGone && dice.below(10) == 0 ? 2 + dice.below(4) : 0, removed: isGone ? 3 + dice.below(3) : nil))
  }

  private static let patterns: [(text: String, sign: Int)] = [
    ("$SYM is soaring today, best quarter in years 🚀🚀 note N1", 1),
    ("Loading up on $SYM: analysts upgrade it again and growth is strong, note N1", 1),
    ("NAME stock won't crash, see note N1 $SYM", 1),
    ("$SYM📈 and the bears are wrong, note N1", 1),
    ("$SYM results are not good at all 📉 note N1", -1),
    ("Sold all my $SYM shares, this fraud will plunge, note N1", -1),
    ("Why I am bearish on NAME: losses grow and the stock falls, note N1 $SYM", -1),
  ]

  private static let noise: [(text: String, language: String)] = [
    ("What do you cook on a rainy evening", "en"), ("Die Börse wartet auf die Zahlen der Woche von $MSFT", "de"),
    ("Le marché attend les chiffres de $TSLA et ne bouge pas", "fr"), ("My cat sleeps on the keyboard", "en"),
  ]
}
