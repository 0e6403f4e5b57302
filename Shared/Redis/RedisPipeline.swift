import Core

/// Commands as bytes of Redis' protocol, built in one buffer: for many small commands, where a value for each word
/// would cost more than sending it. Source: redis.io, "Redis serialization protocol specification", version 2.
package struct RedisPipeline: Sendable {
  package private(set) var bytes: [UInt8] = []
  /// Each is answered by one reply.
  package private(set) var commands = 0

  package init() {}

  package var isEmpty: Bool { commands == 0 }

  package mutating func clear() {
    bytes.removeAll(keepingCapacity: true)
    commands = 0
  }

  /// Begins a command; `words` calls of `word`, `framed` or `number` have to follow, its name the first.
  package mutating func begin(words: Int) {
    append(UInt8(ascii: "*"), Int64(words))
    commands += 1
  }

  /// Appends a whole command.
  package mutating func append(_ command: RedisCommand) {
    begin(words: command.words.count)
    for word in command.words { self.word(word) }
  }

  package mutating func word(_ text: StaticString) {
    append(UInt8(ascii: "$"), Int64(text.utf8CodeUnitCount))
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    endLine()
  }

  package mutating func word(_ text: [UInt8]) { word(text[...]) }

  package mutating func word(_ text: ArraySlice<UInt8>) {
    append(UInt8(ascii: "$"), Int64(text.count))
    bytes.append(contentsOf: text)
    endLine()
  }

  package mutating func word(_ span: RawSpan) {
    append(UInt8(ascii: "$"), Int64(span.byteCount))
    span.withUnsafeBytes { bytes.append(contentsOf: $0) }
    endLine()
  }

  /// A word with its length and line ends, as `frame` made it.
  package mutating func framed(_ frame: [UInt8]) { bytes.append(contentsOf: frame) }

  package static func frame(_ text: String) -> [UInt8] {
    var pipeline = RedisPipeline()
    pipeline.word(Array(text.utf8))
    return pipeline.bytes
  }

  /// A decimal number: `mantissa` with `scale` digits after the point, 0...18.
  package mutating func number(_ mantissa: Int64, scale: Int = 0) {
    // At most 19 digits, the point, the zero before it and the sign.
    var text: InlineArray<24, UInt8> = .init(repeating: 0)
    var position = 24
    var rest = mantissa.magnitude
    var digits = 0
    repeat {
      if digits == scale, digits > 0 {
        position -= 1
        text[position] = UInt8(ascii: ".")
      }
      position -= 1
      text[position] = UInt8(truncatingIfNeeded: rest % 10) &+ 0x30
      rest /= 10
      digits += 1
    } while rest > 0 || digits <= scale
    if mantissa < 0 {
      position -= 1
      text[position] = UInt8(ascii: "-")
    }
    append(UInt8(ascii: "$"), Int64(24 - position))
    for index in position..<24 { bytes.append(text[index]) }
    endLine()
  }

  private mutating func endLine() {
    bytes.append(0x0d)
    bytes.append(0x0a)
  }

  private mutating func append(_ type: UInt8, _ length: Int64) {
    bytes.append(type)
    if length < 10 {
      bytes.append(UInt8(truncatingIfNeeded: length) &+ 0x30)
    } else if length < 100 {
      bytes.append(UInt8(truncatingIfNeeded: length / 10) &+ 0x30)
      bytes.append(UInt8(truncatingIfNeeded: length % 10) &+ 0x30)
    } else {
      bytes.append(contentsOf: String(length).utf8)
    }
    endLine()
  }
}

/// What a pipeline was answered, without what merely went well.
package struct PipelineAnswers: Sendable, Hashable {
  package struct Failure: Sendable, Hashable {
    /// Which command of the pipeline, from 0.
    package var command: Int
    /// Which element of the answer, where that is an array; nil: the command as a whole.
    package var element: Int?
    package var error: RedisError
  }
  package struct Integer: Sendable, Hashable {
    package var command: Int
    package var value: Int64
  }
  package var failures: [Failure] = []
  /// The answers that are one integer.
  package var integers: [Integer] = []

  package init() {}
}

/// Reads the replies to a pipeline from the bytes as they come, and keeps only their errors and single integers.
struct ReplyReader {
  private(set) var answers = PipelineAnswers()
  private let expected: Int
  private var command = 0
  /// Of the arrays that the next element is in: how many elements they have, and how many are still to come.
  private var open: [(count: Int, left: Int)] = []
  private var buffer: [UInt8] = []
  /// Bytes of a bulk string, with its line end, that are not here yet.
  private var skip = 0

  init(expecting commands: Int) { expected = commands }

  var isComplete: Bool { command == expected }

  /// - Throws: a `redis_protocol` error for bytes that are no reply.
  mutating func take(_ bytes: UnsafeRawBufferPointer) throws(RedisError) {
    buffer.append(contentsOf: bytes)
    var position = 0
    while position < buffer.count, !isComplete {
      if skip > 0 {
        let passed = min(skip, buffer.count - position)
        (position, skip) = (position + passed, skip - passed)
        if skip == 0 { ended() }
        continue
      }
      guard let end = lineEnd(from: position) else { break }
      try read(position..<end)
      position = end + 2
    }
    buffer.removeSubrange(..<position)
  }

  private func lineEnd(from start: Int) -> Int? {
    buffer.withUnsafeBufferPointer { bytes in
      var index = start
      while index + 1 < bytes.count {
        if bytes[index] == 0x0d, bytes[index + 1] == 0x0a { return index }
        index += 1
      }
      return nil
    }
  }

  private mutating func read(_ line: Range<Int>) throws(RedisError) {
    guard !line.isEmpty else { throw Self.broken }
    let rest = line.dropFirst()
    switch buffer[line.lowerBound] {
    case UInt8(ascii: ":"):
      if open.isEmpty {
        answers.integers.append(.init(command: command, value: try integer(rest)))
      }
      ended()
    case UInt8(ascii: "+"): ended()
    case UInt8(ascii: "-"):
      let error = RedisError.reply(String(decoding: buffer[rest], as: UTF8.self), to: "pipeline")
      answers.failures.append(.init(command: command, element: open.first.map { $0.count - $0.left }, error: error))
      ended()
    case UInt8(ascii: "$"):
      let length = try integer(rest)
      if length < 0 { ended() } else { skip = Int(length) + 2 }
    case UInt8(ascii: "*"):
      let count = try integer(rest)
      if count <= 0 { ended() } else { open.append((Int(count), Int(count))) }
    default: throw Self.broken
    }
  }

  /// An element is whole, and with it perhaps the arrays that it is the last of.
  private mutating func ended() {
    while let last = open.indices.last {
      open[last].left -= 1
      if open[last].left > 0 { return }
      open.removeLast()
    }
    command += 1
  }

  private func integer(_ digits: Range<Int>) throws(RedisError) -> Int64 {
    guard let value = Int64(String(decoding: buffer[digits], as: UTF8.self)) else { throw Self.broken }
    return value
  }

  private static var broken: RedisError {
    RedisError(code: "redis_protocol", .transient, operation: "pipeline", message: "the answer is not Redis' protocol")
  }
}
