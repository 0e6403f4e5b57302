import Core
import Messages
import Values

/// What was published of the recent posts of one question, as one text: the time of the newest post, then a line for
/// each with its id, its time, when it was seen last, and a digest of what it says (`-`: it is withdrawn).
package struct SocialHistory: Hashable, Sendable {
  struct Known: Hashable, Sendable {
    var publishedAt: Int64
    var seenAt: Int64
    var digest: String

    var isWithdrawn: Bool { digest == "-" }
  }

  /// Microseconds since 1970 of the newest post up to which all were read; nil before the first.
  var newest: Int64?
  var posts: [String: Known] = [:]

  /// More are not remembered: of the oldest it is not noticed any more when they are removed.
  static let most = 5_000

  package init() {}

  /// - Returns: nil for a text of another form: what it remembered is published again.
  package init?(_ text: String) {
    var lines = text.split(separator: "\n")[...]
    guard let first = lines.popFirst(), let newest = Int64(first) else { return nil }
    self.newest = newest == 0 ? nil : newest
    for line in lines {
      let words = line.split(separator: " ")
      guard words.count == 4, let time = Int64(words[1]), let seen = Int64(words[2]) else { return nil }
      posts[String(words[0])] = Known(publishedAt: time, seenAt: seen, digest: String(words[3]))
    }
  }

  package var text: String {
    let lines = posts.sorted { $0.key < $1.key }.map {
      "\($0.key) \($0.value.publishedAt) \($0.value.seenAt) \($0.value.digest)"
    }
    return (["\(newest ?? 0)"] + lines).joined(separator: "\n")
  }

  /// The posts of which it has to be asked whether they still stand: first those that an answer should have had, then
  /// those that were not seen for the longest time.
  /// - Parameters:
  ///   - seen: in the answer of now.
  ///   - covered: the earliest time of which that answer has everything; nil: of none.
  ///   - age: those that were seen within this time are left out.
  func doubtful(_ seen: Set<String>, covered: Int64?, age: Duration, now: Int64, most: Int) -> [String] {
    let age = Int64(age / .microseconds(1))
    let others = posts.filter { !$0.value.isWithdrawn && !seen.contains($0.key) }
    let missing = others.filter { post in covered.map { post.value.publishedAt >= $0 } ?? false }
    let old = others.filter { missing[$0.key] == nil && $0.value.seenAt <= now - age }
    let order: ((key: String, value: Known), (key: String, value: Known)) -> Bool = {
      ($0.value.seenAt, $0.key) < ($1.value.seenAt, $1.key)
    }
    return (missing.sorted(by: order) + old.sorted(by: order)).prefix(most).map(\.key)
  }

  /// - Parameters:
  ///   - found: as published, and withdrawals.
  ///   - standing: ids of which it was said that they still stand.
  ///   - from: what was published before is forgotten, in microseconds.
  ///   - isWhole: there is no post before the newest one that was not read.
  /// - Returns: new and changed posts, and withdrawals, each once.
  mutating func take(
    _ found: [SocialPost], standing: Set<String>, from: Int64, isWhole: Bool, now: Timestamp
  ) -> [SocialPost] {
    var changes: [SocialPost] = []
    var latest = newest ?? .min
    for post in found {
      let digest = post.withdrawn ? "-" : Self.digest(post)
      let known = posts[post.id]
      // A page may be older than what is known: what was withdrawn comes back only with another text.
      if known?.digest != digest { changes.append(post) }
      posts[post.id] = Known(publishedAt: post.publishedAt.microseconds, seenAt: now.microseconds, digest: digest)
      latest = max(latest, min(post.publishedAt.microseconds, now.microseconds))
    }
    for id in standing { posts[id]?.seenAt = now.microseconds }
    if isWhole, latest > .min { newest = latest }
    posts = posts.filter { $0.value.publishedAt >= from }
    if posts.count > Self.most {
      for (id, _) in posts.sorted(by: { ($0.value.publishedAt, $0.key) < ($1.value.publishedAt, $1.key) })
        .prefix(posts.count - Self.most) { posts[id] = nil }
    }
    return changes
  }

  private static func digest(_ post: SocialPost) -> String {
    String(SHA256.hash("\(post.title ?? "")\n\(post.text)\n\(post.link ?? "")").hex.prefix(16))
  }
}
