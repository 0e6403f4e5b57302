import Core
import Logging
import Messages
import Redis
import Values

/// Stories in Redis, which all replicas share.
///
/// One replica at a time reads, decides and writes: it holds a lease, and what it writes is one script that compares
/// the lease first. So two copies of a story that arrive at two replicas at once are one story, and a flush is written
/// whole or not at all. An article that a story has is found by its name for as long as stories are kept, longer than
/// the topic keeps it: to read it again changes nothing.
package struct StoryStore: Sendable {
  package struct Settings: Sendable {
    /// How long stories and their articles are kept after their last change.
    package var life: Duration = .seconds(14 * 86_400)
    /// Of the lease: how long the others wait after a replica was killed in a flush.
    package var lease: Duration = .seconds(10)
    /// Put before every key.
    package var prefix = "sentiment:"

    package init() {}
  }

  private let client: RedisClient
  private let settings: Settings
  private let lease: RedisLease

  /// - Parameter fence: unique to the process.
  package init(_ client: RedisClient, _ settings: Settings, fence: String) {
    self.client = client
    self.settings = settings
    lease = RedisLease(client, key: settings.prefix + "lease", fence: fence)
  }

  /// Lets `decide` change the book of what Redis knows of these articles, and writes what it changed.
  /// - Throws: `RedisError`; nothing was written, or all of it, and the same call can be repeated.
  package func update(
    _ articles: [ReadArticle], of book: StoryBook, _ decide: (inout StoryBook) -> Void
  ) async throws -> StoryBook {
    try await take()
    do {
      var book = try await load(articles, into: book)
      decide(&book)
      try await save(book)
      try? await lease.release()
      return book
    } catch {
      try? await lease.release()
      throw error
    }
  }

  private func take() async throws {
    let deadline = ContinuousClock.now + settings.lease * 1.5
    while true {
      if try await lease.take(for: settings.lease) { return }
      guard ContinuousClock.now < deadline, !Task.isCancelled else {
        throw RedisError(
          code: "stories_busy", .transient, operation: "SET", message: "other replicas hold the lease of the stories")
      }
      try await Task.sleep(for: .milliseconds(Int64.random(in: 2...20)))
    }
  }

  // MARK: Reading

  private func load(_ articles: [ReadArticle], into empty: StoryBook) async throws -> StoryBook {
    var book = empty
    var commands: [RedisCommand] = []
    for article in articles {
      commands.append(RedisCommand("GET", articleKey(article.name)))
      let places = article.mentions.isEmpty ? [] : StoryBook.places(for: article, book.settings)
      // A set of its own that is empty stands for none, so that every article has two replies.
      let keys = [settings.prefix + "none"] + places.map(blockKey)
      commands.append(RedisCommand("SUNION", keys.map { Array($0.utf8) }))
    }
    let replies = try await client.sendAll(commands)
    var wanted: Set<String> = []
    for (index, article) in articles.enumerated() {
      if let story = replies[index * 2].text {
        book.know(article.name, isIn: story)
        wanted.insert(story)
      }
      wanted.formUnion((replies[index * 2 + 1].array ?? []).compactMap(\.text))
    }
    let ids = wanted.sorted()
    let stored = try await client.sendAll(ids.map { RedisCommand("GET", storyKey($0)) })
    for (id, reply) in zip(ids, stored) {
      // Expired: the sets that name it are kept a little longer.
      guard let bytes = reply.bytes else { continue }
      do throws(DecodingFailure) { book.know(try Story(json: bytes)) } catch {
        throw RedisError(
          code: "story_unreadable", .configuration, operation: "GET",
          message: "\(storyKey(id)) is no story of this version (\(error)); delete it, or give this service another "
            + "Redis")
      }
    }
    return book
  }

  // MARK: Writing

  /// Runs the commands that follow the fence: of each the number of its words, and the words.
  private static let run = """
    local i = 2
    while i <= #ARGV do
      local n = tonumber(ARGV[i])
      redis.call(unpack(ARGV, i + 1, i + n))
      i = i + n + 1
    end
    return 1
    """

  private func save(_ book: StoryBook) async throws {
    var words: [String] = []
    func add(_ command: String...) { words += ["\(command.count)"] + command }
    let life = settings.life.redisMilliseconds
    for id in book.changedStories {
      guard let story = book.stories[id] else { continue }
      add("SET", storyKey(id), story.json, "PX", life)
      // A copy keeps the articles before it, which a story names, as long as itself.
      for member in story.members where !member.article.contains("#") {
        add("SET", articleKey(member.article), id, "PX", life)
      }
      for place in StoryBook.blocks(of: story, book.settings) {
        add("SADD", blockKey(place), id)
        add("PEXPIRE", blockKey(place), life)
      }
    }
    guard !words.isEmpty else { return }
    guard try await client.send(lease.held(Self.run, words)).integer == 1 else {
      throw RedisError(
        code: "stories_lease_lost", .transient, operation: "EVAL",
        message: "the lease of the stories ended before they were written; they are decided again")
    }
  }

  private func articleKey(_ name: String) -> String { "\(settings.prefix)article:\(name)" }
  private func storyKey(_ id: String) -> String { "\(settings.prefix)story:\(id)" }
  private func blockKey(_ block: StoryBlock) -> String {
    "\(settings.prefix)block:\(block.period):\(String(block.block, radix: 16))"
  }
}
