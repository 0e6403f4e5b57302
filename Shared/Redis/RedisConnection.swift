import CHiredis
import Core

import Glibc

/// One blocking connection, and the only file that calls hiredis. Not thread-safe: its owner calls it from one thread.
/// With TLS, hiredis connects, formats commands and parses replies, and `RedisTLS` moves the bytes.
///
/// After any thrown error the connection is dead (hiredis says so of a context whose `err` is set) and must be
/// dropped.
final class RedisConnection {
  private let context: UnsafeMutablePointer<redisContext>
  private var tls: RedisTLS?
  /// Buffer for bytes that hiredis does not read itself.
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 1)

  /// A write to a closed connection must fail instead of killing the process.
  private static let quietPipe: Void = { signal(SIGPIPE, SIG_IGN) }()

  /// Connects, authenticates, selects the database and sets the name.
  init(_ configuration: RedisConfiguration) throws(RedisError) {
    _ = Self.quietPipe
    let (url, connect) = (configuration.currentURL, "connect")
    guard let context = redisConnectWithTimeout(url.host, Int32(url.port), Self.timeval(configuration.connectTimeout))
    else {
      throw RedisError(code: "redis_out_of_memory", .transient, operation: connect, message: "no memory left")
    }
    self.context = context
    try check(connect)
    guard redisSetTimeout(context, Self.timeval(configuration.timeout)) == REDIS_OK else { throw failure(connect) }
    // Best effort: keep-alive only detects a dead peer while the connection is idle.
    _ = redisEnableKeepAlive(context)
    if url.isTLS {
      tls = try RedisTLS(
        over: context.pointee.fd, host: url.host, certificateAuthorityFile: configuration.certificateAuthorityFile)
    }

    var greetings: [RedisCommand] = []
    if let password = url.password {
      greetings.append(url.user.map { RedisCommand("AUTH", $0, password) } ?? RedisCommand("AUTH", password))
    }
    if url.database != 0 { greetings.append(RedisCommand("SELECT", String(url.database))) }
    if let name = configuration.clientName { greetings.append(RedisCommand("CLIENT", "SETNAME", name)) }
    for reply in try exchange(greetings) {
      if case .failure(let error) = reply { throw error }
    }
  }

  deinit {
    redisFree(context)
    input.deallocate()
  }

  /// Sends all commands, then reads as many replies. Error replies are elements, not thrown.
  func exchange(_ commands: [RedisCommand]) throws(RedisError) -> [RedisReply] {
    for command in commands { try append(command) }
    var replies: [RedisReply] = []
    replies.reserveCapacity(commands.count)
    for command in commands {
      var raw: UnsafeMutableRawPointer?
      if let tls { try exchange(over: tls, until: &raw, command.name) }
      guard raw != nil || redisGetReply(context, &raw) == REDIS_OK, let raw else { throw failure(command.name) }
      defer { freeReplyObject(raw) }
      replies.append(RedisReply(raw.assumingMemoryBound(to: redisReply.self).pointee, operation: command.name))
    }
    return replies
  }

  /// Sends a pipeline whole, then reads its replies.
  func exchange(_ pipeline: RedisPipeline) throws(RedisError) -> PipelineAnswers {
    var reader = ReplyReader(expecting: pipeline.commands)
    let sent: Result<Void, RedisError> = pipeline.bytes.withUnsafeBytes { bytes in
      do throws(RedisError) { return .success(try write(bytes)) } catch { return .failure(error) }
    }
    try sent.get()
    while !reader.isComplete {
      let count = try read()
      try reader.take(UnsafeRawBufferPointer(rebasing: input[..<count]))
    }
    return reader.answers
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws(RedisError) {
    if let tls { return try tls.write(bytes, "pipeline") }
    var rest = bytes
    while !rest.isEmpty {
      let count = send(context.pointee.fd, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw socketFailure() }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  private func read() throws(RedisError) -> Int {
    if let tls { return try tls.read(into: input, "pipeline") }
    while true {
      let count = recv(context.pointee.fd, input.baseAddress, input.count, 0)
      if count < 0, errno == EINTR { continue }
      if count == 0 {
        throw RedisError(
          code: "redis_closed", .transient, operation: "pipeline", message: "the server closed the connection")
      }
      guard count > 0 else { throw socketFailure() }
      return count
    }
  }

  private func socketFailure() -> RedisError {
    let number = errno
    return number == EAGAIN || number == EWOULDBLOCK
      ? RedisError(code: "redis_timeout", .transient, operation: "pipeline", message: "no answer in time")
      : RedisError(code: "redis_io", .transient, operation: "pipeline", message: String(cString: strerror(number)))
  }

  /// Sends the formatted commands and reads until one reply is complete.
  private func exchange(
    over tls: RedisTLS, until reply: inout UnsafeMutableRawPointer?, _ operation: String
  ) throws(RedisError) {
    if let output = context.pointee.obuf, sdslen(output) > 0 {
      try tls.write(UnsafeRawBufferPointer(start: output, count: sdslen(output)), operation)
      sdsclear(output)
    }
    while true {
      guard redisGetReplyFromReader(context, &reply) == REDIS_OK else { throw failure(operation) }
      if reply != nil { return }
      let count = try tls.read(into: input, operation)
      let bytes = input.baseAddress?.assumingMemoryBound(to: CChar.self)
      guard redisReaderFeed(context.pointee.reader, bytes, count) == REDIS_OK else { throw failure(operation) }
    }
  }

  private func append(_ command: RedisCommand) throws(RedisError) {
    // One flat copy with the argument pointers into it: hiredis formats from it at once and keeps nothing.
    let flat = command.words.flatMap { $0 }
    let lengths = command.words.map(\.count)
    let code = flat.withUnsafeBytes { bytes in
      // An empty buffer may have no address, but hiredis wants one for every argument.
      let base = bytes.baseAddress ?? UnsafeRawPointer(context)
      var offset = 0
      var pointers: [UnsafePointer<CChar>?] = lengths.map { length in
        defer { offset += length }
        return (base + offset).assumingMemoryBound(to: CChar.self)
      }
      return redisAppendCommandArgv(context, Int32(lengths.count), &pointers, lengths)
    }
    guard code == REDIS_OK else { throw failure(command.name) }
  }

  private func check(_ operation: String) throws(RedisError) {
    if context.pointee.err != 0 { throw failure(operation) }
  }

  /// Maps hiredis' error numbers; each ends this connection, and the next may work.
  private func failure(_ operation: String) -> RedisError {
    let number = errno
    let text = withUnsafeBytes(of: context.pointee.errstr) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    let code =
      switch context.pointee.err {
      case REDIS_ERR_EOF: "redis_closed"
      case REDIS_ERR_PROTOCOL: "redis_protocol"
      case REDIS_ERR_OOM: "redis_out_of_memory"
      case REDIS_ERR_IO where number == EAGAIN || number == EWOULDBLOCK || number == ETIMEDOUT: "redis_timeout"
      case REDIS_ERR_IO: operation == "connect" ? "redis_unreachable" : "redis_io"
      default: operation == "connect" ? "redis_unreachable" : "redis_broken"
      }
    return RedisError(
      code: code, .transient, operation: operation,
      message: code == "redis_timeout" ? "no answer in time" : text.isEmpty ? "the connection broke" : text)
  }

  private static func timeval(_ duration: Duration) -> Glibc.timeval {
    let (seconds, attoseconds) = duration.components
    return Glibc.timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
  }
}
