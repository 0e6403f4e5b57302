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
  /// Buffer for decrypted bytes.
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 1)

  /// A write to a closed connection must fail instead of killing the process.
  private static let quietPipe: Void = { signal(SIGPIPE, SIG_IGN) }()

  /// Connects, authenticates, selects the database and sets the name.
  init(_ configuration: RedisConfiguration) throws(RedisError) {
    _ = Self.quietPipe
    let (url, connect) = (configuration.url, "connect")
    guard let context = redisConnectWithTimeout(url.host, Int32(url.port), Self.timeval(configuration.connectTimeout))
    else {
      throw RedisError(code: "redis_out_of_memory", .transient, operation: connect, message: "no memory left")
    }
    self.context = context
    try check(connect)
    guard redisSetTimeout(context, Self.timeval(configuration.timeout)) == REDIS_OK else {
      throw failure(connect)
    }
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
