import Core
import Metrics

/// One connection to Redis on its own thread, opened on first use and reopened after a failure.
///
/// Sends commands in the order of the calls and retries none: after a transient error the command may or may not have
/// run, so the caller repeats it if that is safe.
package actor RedisClient {
  package nonisolated let configuration: RedisConfiguration
  private let executor: ThreadExecutor
  private var connection: RedisConnection?

  private static let commands = Counter(label: "souk_redis_commands_total")
  private static let connects = Counter(label: "souk_redis_connects_total")

  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  package init(_ configuration: RedisConfiguration) {
    self.configuration = configuration
    executor = ThreadExecutor(name: "redis")
  }

  /// - Throws: the error that broke the connection, or the error reply.
  package func send(_ command: RedisCommand) throws(RedisError) -> RedisReply {
    let replies = try replies(to: [command])
    guard let reply = replies.first else { return .null }
    if case .failure(let error) = reply { throw counted(error) }
    return reply
  }

  /// Sends all commands in as few round trips as the pipeline depth allows.
  /// - Throws: the error that broke the connection, or the first error reply (the other commands ran).
  @discardableResult
  package func sendAll(_ commands: [RedisCommand]) throws(RedisError) -> [RedisReply] {
    let replies = try replies(to: commands)
    for case .failure(let error) in replies { throw counted(error) }
    return replies
  }

  /// Like `sendAll`, with error replies as elements.
  package func replies(to commands: [RedisCommand]) throws(RedisError) -> [RedisReply] {
    var replies: [RedisReply] = []
    replies.reserveCapacity(commands.count)
    var rest = commands[...]
    while !rest.isEmpty {
      let chunk = Array(rest.prefix(configuration.pipelineDepth))
      rest = rest.dropFirst(chunk.count)
      do {
        replies += try opened().exchange(chunk)
      } catch {
        connection = nil
        throw counted(error)
      }
      Self.commands.increment(by: chunk.count)
    }
    return replies
  }

  /// Sends a pipeline in one round trip. Error replies are in the answers.
  /// - Throws: the error that broke the connection: any of the commands may have run.
  package func run(_ pipeline: RedisPipeline) throws(RedisError) -> PipelineAnswers {
    let answers: PipelineAnswers
    do {
      answers = try opened().exchange(pipeline)
    } catch {
      connection = nil
      throw counted(error)
    }
    Self.commands.increment(by: pipeline.commands)
    return answers
  }

  /// Sends PING.
  package func ping() throws(RedisError) { _ = try send(RedisCommand("PING")) }

  /// Drops the connection; the next command opens a new one.
  package func close() { connection = nil }

  private func opened() throws(RedisError) -> RedisConnection {
    if let connection { return connection }
    let opened = try RedisConnection(configuration)
    Self.connects.increment()
    connection = opened
    return opened
  }

  private func counted(_ error: RedisError) -> RedisError {
    Counter(label: "souk_redis_errors_total", dimensions: [("code", error.code)]).increment()
    return error
  }
}

/// Metrics of Redis connections.
package enum RedisMetrics {
  package static let descriptions: [MetricDescription] = [
    MetricDescription("souk_redis_commands_total", .counter, "Commands that Redis answered."),
    MetricDescription("souk_redis_connects_total", .counter, "Connections opened to Redis."),
    MetricDescription(
      "souk_redis_errors_total", .counter, "Failed commands and connections, by code.", labels: ["code"]),
  ]
}
