import Catalogue
import Core
import Kafka
import KafkaFlags
import Logging
import Synchronization

/// Follows the live topics in no group, so that every replica sees all of them, and watches whether Kafka answers. An
/// outage at the start or later stops nothing: what depends on Kafka says so meanwhile.
final class LiveTopics: Sendable {
  /// Read whole, because they say how things stand.
  private static let tables = [
    Topics.marketGaps, Topics.subscriptions, Topics.batchJobs, Topics.batchStatus, Topics.optionsFlow,
    Topics.sentimentEvents, Topics.marketSplits,
  ]
  private static let streams = [
    Topics.marketTicks, Topics.marketBars, Topics.technicalSignals, Topics.newsArticles,
  ]
  /// In the order of the catalogue's entry.
  static let all = tables + streams
  /// What last ticks and gaps are answered from.
  private static let prices = [Topics.marketTicks, Topics.marketBars, Topics.marketGaps, Topics.subscriptions]

  private struct State {
    var isReachable = false
    var following: Set<String> = []
    /// Those that were read whole once.
    var read: Set<String> = []
  }
  private let state = Mutex(State())
  private let kafka: KafkaOptions
  private let live: LiveState
  private let name: String
  private let logger: Logger

  init(_ kafka: KafkaOptions, _ live: LiveState, name: String, logger: Logger) {
    (self.kafka, self.live, self.name, self.logger) = (kafka, live, name, logger)
  }

  var isReachable: Bool { state.withLock { $0.isReachable } }
  /// Whether the topics of prices are followed, and Kafka answers.
  var isFollowing: Bool { follows(Self.prices) }
  /// Whether all topics are.
  var isFollowingAll: Bool { follows(Self.all) }

  func follows(_ topics: [Topic]) -> Bool {
    state.withLock { state in state.isReachable && topics.allSatisfy { state.following.contains($0.name) } }
  }

  /// Whether a table was read whole, though it may not be followed now.
  func hasRead(_ topic: Topic) -> Bool { state.withLock { $0.read.contains(topic.name) } }

  /// Until drained.
  func run(until drain: Interruption) async throws {
    let admin = try kafka.makeAdmin(clientID: name, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await self.watch(admin, until: drain) }
      for topic in Self.all {
        group.addTask { try await self.follow(topic, until: drain) }
      }
      while try await group.next() != nil {}
    }
  }

  private func watch(_ admin: Admin, until drain: Interruption) async {
    repeat {
      let isReachable = (try? await admin.metadata(within: .seconds(4))) != nil
      let before = state.withLock { state in
        defer { state.isReachable = isReachable }
        return state.isReachable
      }
      if before != isReachable { logger.notice(isReachable ? "Kafka answers" : "Kafka does not answer") }
    } while await !drain.sleep(for: .seconds(3))
  }

  private func follow(_ topic: Topic, until drain: Interruption) async throws {
    var configuration = try kafka.tableConfiguration(clientID: name, topic: topic.name, logger: logger)
    configuration.isTrimmed = true
    configuration.beginsAtEnd = !Self.tables.contains(topic)
    var backoff = Backoff(base: .seconds(1), cap: .seconds(30))
    repeat {
      let reader = try TableReader(configuration) { [live] in live.take($0) }
      do {
        if try await reader.waitUntilCurrent(orUntil: drain) {
          state.withLock { state in
            state.following.insert(topic.name)
            state.read.insert(topic.name)
          }
          await withTaskGroup(of: Void.self) { group in
            group.addTask { await reader.waitUntilEnded() }
            group.addTask { await drain.wait() }
            await group.next()
            group.cancelAll()
            reader.close()
          }
        }
      } catch {
        logger.error("a topic cannot be followed", metadata: ["topic": "\(topic.name)", "error": "\(error)"])
      }
      state.withLock { _ = $0.following.remove(topic.name) }
      await reader.closeAndWait()
    } while await !drain.sleep(for: backoff.next())
  }
}
