import Runtime
import Synchronization

/// Lets many tasks use one connection at once: what they ask while an exchange is under way goes out together in the
/// next, so that a thousand tasks cost a few round trips and not a thousand turns of a thread.
package final class RedisQueue: Sendable {
  private typealias Waiter = CheckedContinuation<Result<RedisReply, RedisError>, Never>
  private struct State {
    var waiting: [(command: RedisCommand, waiter: Waiter)] = []
    var isSending = false
    /// The digests of the scripts that the server was given.
    var digests: [RedisScript: String] = [:]
  }
  private let client: RedisClient
  private let state = Mutex(State())

  package init(_ client: RedisClient) { self.client = client }

  /// - Throws: what broke the connection, or the error that was the reply. Nobody knows then whether the command was
  ///   executed.
  package func send(_ command: RedisCommand) async throws(RedisError) -> RedisReply {
    let result = await withCheckedContinuation { (waiter: Waiter) in
      let begins = state.withLock { state in
        state.waiting.append((command, waiter))
        defer { state.isSending = true }
        return !state.isSending
      }
      if begins { Task { await sendAll() } }
    }
    return try result.get()
  }

  /// Runs a script by its digest; the server is given its text when it does not have it (a restart forgets all).
  package func run(
    _ script: RedisScript, keys: [String], arguments: [String]
  ) async throws(RedisError) -> RedisReply {
    if let digest = state.withLock({ $0.digests[script] }) {
      do {
        return try await send(script.command("EVALSHA", digest, keys: keys, arguments: arguments))
      } catch where error.code == "redis_noscript" {
        // Not executed: the next step is the first.
      }
    }
    let digest = try await send(RedisCommand("SCRIPT", "LOAD", script.text)).text
    if let digest { state.withLock { $0.digests[script] = digest } }
    return try await send(script.command("EVAL", script.text, keys: keys, arguments: arguments))
  }

  package func ping() async throws(RedisError) { _ = try await send(RedisCommand("PING")) }

  package func close() async { await client.close() }

  private func sendAll() async {
    while true {
      let batch = state.withLock { state in
        defer { state.waiting = [] }
        if state.waiting.isEmpty { state.isSending = false }
        return state.waiting
      }
      guard !batch.isEmpty else { return }
      let results: [Result<RedisReply, RedisError>]
      do {
        results = try await client.replies(to: batch.map(\.command)).map { reply in
          if case .failure(let error) = reply { .failure(error) } else { .success(reply) }
        }
      } catch {
        results = batch.map { _ in .failure(error) }
      }
      for (asked, result) in zip(batch, results) { asked.waiter.resume(returning: result) }
    }
  }
}
