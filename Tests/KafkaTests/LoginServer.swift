import Core
import LocalServers
import Synchronization

import Glibc

/// A port with the part of Kafka's protocol that a login needs; it closes the connection after it. It listens until
/// the process ends.
final class LoginServer: Sendable {
  enum Answer: Sendable {
    /// SaslAuthenticate fails with these words.
    case refuses(String)
    /// SaslHandshake knows only these mechanisms.
    case offers([String])
    /// Every login by this mechanism succeeds.
    case accepts(String)
  }
  let port: Int
  private let logins = Mutex(0)
  /// The number of login attempts.
  var attempts: Int { logins.withLock { $0 } }
  private let tokens = Mutex<[String]>([])
  /// The credentials of the accepted clients.
  var accepted: [String] { tokens.withLock { $0 } }

  init(_ answer: Answer) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    inet_pton(AF_INET, "127.0.0.1", &name.sin_addr)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw -> Bool in
        guard bind(listener, raw, size) == 0, listen(listener, 64) == 0 else { return false }
        var length = size
        return getsockname(listener, raw, &length) == 0
      }
    }
    struct CannotListen: Error {}
    guard bound else { throw CannotListen() }
    port = Int(name.sin_port.byteSwapped)
    startThread(named: "login-server") { [self] in
      while true {
        let socket = accept(listener, nil, nil)
        guard socket >= 0 else { return }
        startThread(named: "login-server") { [self] in
          while let request = Self.read(socket), let body = reply(to: request, answer) {
            var message = Bytes()
            message.int32(Int32(body.count + 4))
            message.content += request[4..<8] + body
            let bytes = message.content
            guard send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { break }
          }
          close(socket)
        }
      }
    }
  }

  /// Numbers as Kafka writes them: big-endian.
  private struct Bytes {
    var content: [UInt8] = []
    mutating func int16(_ value: Int16) { content += withUnsafeBytes(of: value.bigEndian) { Array($0) } }
    mutating func int32(_ value: Int32) { content += withUnsafeBytes(of: value.bigEndian) { Array($0) } }
    mutating func string(_ text: String) {
      int16(Int16(text.utf8.count))
      content += text.utf8
    }
  }

  /// - Returns: the answer without length and correlation id; nil closes the connection.
  private func reply(to request: [UInt8], _ answer: Answer) -> [UInt8]? {
    var body = Bytes()
    switch (request[1], request[3]) {
    case (18, 0):
      body.int16(0)
      let kinds: [(Int16, Int16)] = [(0, 3), (1, 4), (3, 1), (17, 1), (18, 0), (36, 0)]
      body.int32(Int32(kinds.count))
      for (kind, most) in kinds {
        body.int16(kind)
        body.int16(0)
        body.int16(most)
      }
    case (18, _):
      body.int16(35)  // UNSUPPORTED_VERSION: asked again in version 0
      body.int32(0)
    case (17, _):
      logins.withLock { $0 += 1 }
      let (code, names): (Int16, [String]) =
        switch answer {
        case .offers(let names): (33, names)  // UNSUPPORTED_SASL_MECHANISM
        case .accepts(let name): (0, [name])
        case .refuses: (0, ["PLAIN"])
        }
      body.int16(code)
      body.int32(Int32(names.count))
      for name in names { body.string(name) }
    case (36, _):
      switch answer {
      case .refuses(let words):
        body.int16(58)  // SASL_AUTHENTICATION_FAILED
        body.string(words)
      case .accepts:
        tokens.withLock { $0.append(String(decoding: request, as: UTF8.self)) }
        body.int16(0)
        body.int16(-1)  // no message
      case .offers: return nil
      }
      body.int32(0)
    default: return nil
    }
    return body.content
  }

  /// - Returns: a request without its length.
  private static func read(_ socket: Int32) -> [UInt8]? {
    func take(_ count: Int) -> [UInt8]? {
      var bytes = [UInt8](repeating: 0, count: count)
      var have = 0
      while have < count {
        let got = bytes.withUnsafeMutableBytes { recv(socket, $0.baseAddress! + have, count - have, 0) }
        guard got > 0 else { return nil }
        have += got
      }
      return bytes
    }
    guard let size = take(4), size[0] == 0, size[1] == 0 else { return nil }
    return take(Int(size[2]) << 8 | Int(size[3])).flatMap { $0.count >= 8 ? $0 : nil }
  }
}
