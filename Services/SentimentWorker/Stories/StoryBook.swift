import Core
import Sentiment
import Values

/// The stories that a flush needs, and what its articles make of them. Decides alone; `StoryStore` reads and writes.
package struct StoryBook: Sendable {
  package struct Settings: Sendable {
    /// Articles that are published further apart are different stories.
    package var window: Duration = .seconds(3 * 86_400)
    /// A story with so many articles takes no more of them: the next one begins another.
    package var members = 1_000

    package init() {}

    var windowMicroseconds: Int64 { max(1, Int64(window / .microseconds(1))) }
  }

  /// What became of an article.
  package enum Outcome: String, CaseIterable, Sendable {
    case newStory = "new_story"
    case copy
    /// Another text under a known name.
    case changed
    case withdrawn
    /// As it is known, or older.
    case repeated
    /// It mentions no known company.
    case noSymbol = "no_symbol"
    case notEnglish = "not_english"
    /// A withdrawal of an article that is in no story.
    case unknown
  }

  let settings: Settings
  let scorer: String
  package private(set) var stories: [String: Story] = [:]
  /// Articles by name, with the story of each.
  private(set) var articles: [String: String] = [:]
  private var blocks: [StoryBlock: [String]] = [:]
  /// Stories that have to be written, in the order of their first change.
  private(set) var changedStories: [String] = []

  package init(_ settings: Settings, scorer: String) {
    (self.settings, self.scorer) = (settings, scorer)
  }

  // MARK: What is known

  mutating func know(_ article: String, isIn story: String) { articles[article] = story }

  package mutating func know(_ story: Story) {
    guard stories.updateValue(story, forKey: story.id) == nil else { return }
    for block in Self.blocks(of: story, settings) { blocks[block, default: []].append(story.id) }
  }

  /// Where a story is found.
  static func blocks(of story: Story, _ settings: Settings) -> [StoryBlock] {
    let period = StoryBlock.period(of: story.publishedAt, settings)
    return story.fingerprint.blocks.map { StoryBlock(period: period, block: $0) }
  }

  /// Where the stories are that an article may be a copy of: those of its own period and the two beside it.
  static func places(for article: ReadArticle, _ settings: Settings) -> [StoryBlock] {
    let period = StoryBlock.period(of: article.publishedAt, settings)
    return article.fingerprint.blocks.flatMap { block in
      (period - 1...period + 1).map { StoryBlock(period: $0, block: block) }
    }
  }

  // MARK: Articles

  /// - Returns: what became of it, and the story that it belongs to.
  package mutating func take(_ article: ReadArticle) -> (outcome: Outcome, story: String?) {
    if let id = articles[article.name], stories[id] != nil { return (update(id, article), id) }
    if article.isWithdrawn { return (.unknown, nil) }
    if article.language != .english { return (.notEnglish, nil) }
    if article.mentions.isEmpty { return (.noSymbol, nil) }
    let member = StoryMember(article, scorer: scorer)
    if let id = story(like: article) {
      articles[article.name] = id
      change(id) { $0.members.append(member) }
      return (.copy, id)
    }
    let story = Story(
      id: String(SHA256.hash(article.name).hex.prefix(32)), revision: 1, publishedAt: article.publishedAt,
      knownAt: article.knownAt, fingerprint: article.fingerprint, symbols: article.mentions.map(\.symbol),
      members: [member])
    know(story)
    articles[article.name] = story.id
    changedStories.append(story.id)
    return (.newStory, story.id)
  }

  private mutating func update(_ id: String, _ article: ReadArticle) -> Outcome {
    guard let index = stories[id]?.members.firstIndex(where: { $0.article == article.name }),
      let known = stories[id]?.members[index], article.knownAt >= known.knownAt
    else { return .repeated }
    if article.isWithdrawn {
      if known.isWithdrawn { return .repeated }
      change(id) { story in
        story.members[index] = known.withdrawn
        story.members[index].knownAt = article.knownAt
      }
      return .withdrawn
    }
    var member = StoryMember(article, scorer: scorer)
    // Of what it does not mention any more, the events are withdrawn: the symbols stay, with the withdrawn texts.
    if known.saysTheSame(as: member) || known.isWithdrawn && known.knownAt == article.knownAt { return .repeated }
    member.scorer = scorer
    let dropped = known.mentions.filter { old in !member.mentions.contains { $0.symbol == old.symbol } }
    change(id) { story in
      story.members[index] = member
      guard !dropped.isEmpty else { return }
      var rest = known.withdrawn
      (rest.article, rest.mentions) = ("\(known.article)#\(story.revision)", dropped)
      story.members.append(rest)
    }
    return .changed
  }

  private mutating func change(_ id: String, _ body: (inout Story) -> Void) {
    guard var story = stories[id] else { return }
    body(&story)
    story.revision += 1
    story.knownAt = max(story.knownAt, story.members.map(\.knownAt).max() ?? story.knownAt)
    stories[id] = story
    if !changedStories.contains(id) { changedStories.append(id) }
  }

  /// The earliest story that an article is a copy of.
  private func story(like article: ReadArticle) -> String? {
    let symbols = Set(article.mentions.map(\.symbol))
    var best: Story?
    var seen: Set<String> = []
    for place in Self.places(for: article, settings) {
      for id in blocks[place] ?? [] where seen.insert(id).inserted {
        guard let story = stories[id], story.members.count < settings.members,
          abs(story.publishedAt.microseconds - article.publishedAt.microseconds) <= settings.windowMicroseconds,
          !symbols.isDisjoint(with: story.symbols), article.fingerprint.isCopy(of: story.fingerprint)
        else { continue }
        if let known = best,
          (known.publishedAt.microseconds, known.id) < (story.publishedAt.microseconds, story.id) { continue }
        best = story
      }
    }
    return best?.id
  }
}

/// A block of a story's hashes, within a period of time as long as the window of stories.
package struct StoryBlock: Hashable, Sendable {
  var period: Int64
  var block: UInt32

  static func period(of time: Timestamp, _ settings: StoryBook.Settings) -> Int64 {
    let window = settings.windowMicroseconds
    let (whole, rest) = time.microseconds.quotientAndRemainder(dividingBy: window)
    return rest < 0 ? whole - 1 : whole
  }
}
