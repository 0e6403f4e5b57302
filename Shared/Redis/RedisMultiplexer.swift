import Synchronization

/// Shares one connection between many tasks: commands that arrive during a round trip are sent together in the next
/// one, so that a thousand tasks cost a few round trips.
package final class RedisMultiplexer: Sendable {
  private typealias Waiter = CheckedContinuation<Result<[RedisReply], RedisError>, Never>
  private struct State {
    var waiting: [(commands: [RedisCommand], waiter: Waiter)] = []
    var isSending = false
    /// Digests of the scripts that were loaded into the server.
    var digests: [RedisScript: String] = [:]
  }
  private let client: RedisClient
  private let state = Mutex(State())

  package init(_ client: RedisClient) { self.client = client }

  /// - Throws: the error that broke the connection (the command may or may not have run), or the error reply.
  package func send(_ command: RedisCommand) async throws(RedisError) -> RedisReply {
    let reply = try await replies(to: [command]).first ?? .null
    if case .failure(let error) = reply { throw error }
    return reply
  }

  /// Sends the commands in one round trip, one behind the other. Error replies are elements.
  /// - Throws: the error that broke the connection (any of the commands may have run).
  package func replies(to commands: [RedisCommand]) async throws(RedisError) -> [RedisReply] {
    let result = await withCheckedContinuation { (waiter: Waiter) in
      let begins = state.withLock { state in
        state.waiting.append((commands, waiter))
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
      let replies: Result<[RedisReply], RedisError>
      do {
        replies = .success(try await client.replies(to: batch.flatMap(\.commands)))
      } catch {
        replies = .failure(error)
      }
      var start = 0
      for (commands, waiter) in batch {
        let range = start..<start + commands.count
        waiter.resume(returning: replies.map { Array($0[range]) })
        start = range.upperBound
      }
    }
  }
}
