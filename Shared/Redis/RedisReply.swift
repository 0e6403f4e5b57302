import CHiredis
import Core

/// One reply, copied out of hiredis.
package enum RedisReply: Hashable, Sendable {
  case null
  case integer(Int64)
  /// The word of a simple reply: `OK`, `PONG`.
  case status(String)
  case bytes([UInt8])
  case array([RedisReply])
  case failure(RedisError)

  package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
  package var bytes: [UInt8]? { if case .bytes(let value) = self { value } else { nil } }
  package var array: [RedisReply]? { if case .array(let value) = self { value } else { nil } }
  package var isNull: Bool { self == .null }
  /// The text of a simple or a bulk reply; bytes that are not UTF-8 give nil.
  package var text: String? {
    switch self {
    case .status(let word): word
    case .bytes(let bytes): String(validating: bytes, as: UTF8.self)
    default: nil
    }
  }

  init(_ reply: redisReply, operation: String) {
    switch reply.type {
    case REDIS_REPLY_STRING: self = .bytes(Self.bytes(reply))
    case REDIS_REPLY_STATUS: self = .status(String(decoding: Self.bytes(reply), as: UTF8.self))
    case REDIS_REPLY_INTEGER: self = .integer(reply.integer)
    case REDIS_REPLY_NIL: self = .null
    case REDIS_REPLY_ERROR:
      self = .failure(.reply(String(decoding: Self.bytes(reply), as: UTF8.self), to: operation))
    case REDIS_REPLY_ARRAY:
      self = .array((0..<reply.elements).map { index in
        reply.element[index].map { RedisReply($0.pointee, operation: operation) } ?? .null
      })
    default:
      self = .failure(RedisError(
        code: "redis_protocol", .fatal, operation: operation,
        message: "a reply of type \(reply.type), which this protocol version does not have"))
    }
  }

  private static func bytes(_ reply: redisReply) -> [UInt8] {
    guard let text = reply.str else { return [] }
    return Array(UnsafeRawBufferPointer(start: text, count: reply.len))
  }
}
