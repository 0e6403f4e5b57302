import Feeds

/// Subscribes to as much as the plan allows, where a provider answers each message and refuses one whole that is about
/// too many symbols (Alpaca's 405). Pure: one message at a time; a refused one is split until the limit is met.
struct SubscriptionQueue {
  private let feed: Feed
  private var waiting: [[FeedInterest]]
  /// What was sent last and is not answered.
  private var asked: [FeedInterest]?
  /// What the plan does not allow.
  private(set) var refused: [FeedInterest] = []
  /// Channels whose symbols are counted.
  private static let counted: Set<FeedChannel> = [.trades, .quotes]

  init(_ interests: [FeedInterest], of feed: Feed) {
    self.feed = feed
    waiting = interests.isEmpty ? [] : [interests]
  }

  /// What to send now; nil while an answer is awaited, and in the end.
  mutating func next(isPacked: Bool) -> FeedRequests.Request? {
    while asked == nil, let interests = waiting.popLast() {
      let requests = FeedRequests.change(.subscribe, interests, of: feed, isPacked: isPacked)
      if requests.count > 1 {
        waiting += Self.halves(interests)
      } else if let request = requests.first {
        asked = interests
        return request
      }
    }
    return nil
  }

  mutating func wasAccepted() { asked = nil }

  /// - Returns: whether the answer was to something of here.
  mutating func wasRefused() -> Bool {
    guard let interests = asked else { return false }
    asked = nil
    let (free, counted) = Self.parts(interests)
    if !free.isEmpty, !counted.isEmpty {
      waiting += [counted, free]
    } else if interests.count > 1 {
      waiting += Self.halves(interests)
    } else {
      // One more is one too many: so are all that are left, except those that are not counted.
      refused += interests
      let rest = waiting.flatMap { $0 }.map { Self.parts([$0]) }
      refused += rest.flatMap(\.counted)
      let free = rest.flatMap(\.free)
      waiting = free.isEmpty ? [] : [free]
    }
    return true
  }

  /// The first half comes first: the last element is taken next.
  private static func halves(_ interests: [FeedInterest]) -> [[FeedInterest]] {
    let middle = interests.count / 2
    return [Array(interests[middle...]), Array(interests[..<middle])].filter { !$0.isEmpty }
  }

  private static func parts(_ interests: [FeedInterest]) -> (free: [FeedInterest], counted: [FeedInterest]) {
    func part(_ channels: (Set<FeedChannel>) -> Set<FeedChannel>) -> [FeedInterest] {
      interests.map { FeedInterest($0.symbol, channels($0.channels)) }.filter { !$0.channels.isEmpty }
    }
    return (part { $0.subtracting(counted) }, part { $0.intersection(counted) })
  }
}
