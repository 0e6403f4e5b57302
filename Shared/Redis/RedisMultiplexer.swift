import Synchronization

/// Shares one connection between many tasks: commands that arrive during a round trip are sent together in the next
/// one, so that a thousand tasks cost a few round trips.
package final class RedisMultiplexer: Sendable {
  private typealias Waiter = CheckedContinuation<Result<RedisReply, RedisError>, Never>
  private struct State {
    var waiting: [(command: RedisCommand, waiter: Waiter)] = []
    var isSending = false
    /// Digests of the scripts that were loaded into the server.
    var digests: [RedisScript: String] = [:]
  }
  private let client: RedisClient
  private let state = Mutex(State())

  package init(_ client: RedisClient) { self.client = client }

  /// - Throws: the error that broke the connection (the command may or may not have run), or the error reply.
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

  /// Runs a script by its digest, and sends its text when the server does not have it (a restart forgets all scripts).
  package func run(_ script: RedisScript, keys: [String], arguments: [String]) async throws(RedisError) -> RedisReply {
    if let digest = state.withLock({ $0.digests[script] }) {
      do {
        return try await send(script.command("EVALSHA", digest, keys: keys, arguments: arguments))
      } catch where error.code == "redis_noscript" {
        // Not executed: load it below.
      }
    }
    let digest = try await send(RedisCommand("SCRIPT", "LOAD", script.text)).text
    if let digest { state.withLock { $0.digests[script] = digest } }
    return try await send(script.evaluated(keys: keys, arguments: arguments))
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
