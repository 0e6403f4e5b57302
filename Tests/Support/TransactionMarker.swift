import Glibc

/// Appends the marker that ends a transaction to a partition of an embedded broker, which writes none itself: an offset
/// that no reader is ever given. It goes there as a request of Kafka's protocol, spelt out here (Produce, version 3,
/// and a batch of format 2 with one control record: kafka.apache.org/protocol and .../documentation/#controlbatch).
package enum TransactionMarker {
  package struct Refused: Error {
    package var reason: String
  }

  /// - Parameter server: `host:port` of the partition's leader, with an address in digits.
  package static func append(to topic: String, partition: Int32 = 0, at server: String) throws {
    let answer = try exchange(request(topic, partition), with: server)
    // Correlation, one topic with its name, one partition with its number, then the error.
    let start = 4 + 4 + 2 + topic.utf8.count + 4 + 4
    guard answer.count >= start + 2 else { throw Refused(reason: "a short answer: \(answer)") }
    let code = Int16(answer[start]) << 8 | Int16(answer[start + 1])
    guard code == 0 else { throw Refused(reason: "error \(code)") }
  }

  private static func request(_ topic: String, _ partition: Int32) -> [UInt8] {
    // A commit marker: version 0, type 1; its value holds a version and the coordinator's epoch.
    let key: [UInt8] = [0, 0, 0, 1]
    let value: [UInt8] = [0, 0, 0, 0, 0, 0]
    // Attributes, time and offset deltas; lengths are zigzag varints, below 64 one byte.
    var record: [UInt8] = [0, 0, 0, UInt8(key.count * 2)] + key + [UInt8(value.count * 2)] + value + [0]
    record.insert(UInt8(record.count * 2), at: 0)
    var tail: [UInt8] = []
    // Transactional and control; the batch holds one offset.
    tail.add(Int16(0x30))
    tail.add(Int32(0))
    tail.add(Int64(0))
    tail.add(Int64(0))
    // Neither producer, nor epoch, nor sequence.
    tail.add(Int64(-1))
    tail.add(Int16(-1))
    tail.add(Int32(-1))
    tail.add(Int32(1))
    tail += record
    var batch: [UInt8] = []
    batch.add(Int64(0))
    batch.add(Int32(4 + 1 + 4 + tail.count))
    batch.add(Int32(0))
    batch.append(2)
    batch.add(Int32(bitPattern: crc32c(tail)))
    batch += tail

    var body: [UInt8] = []
    body.add(Int16(0))
    body.add(Int16(3))
    body.add(Int32(1))
    body.add("test")
    // No transactional id; all replicas; a time-out; one topic with one partition.
    body.add(Int16(-1))
    body.add(Int16(-1))
    body.add(Int32(5_000))
    body.add(Int32(1))
    body.add(topic)
    body.add(Int32(1))
    body.add(partition)
    body.add(Int32(batch.count))
    body += batch
    var request: [UInt8] = []
    request.add(Int32(body.count))
    return request + body
  }

  private static func exchange(_ request: [UInt8], with server: String) throws -> [UInt8] {
    let parts = server.split(separator: ",")[0].split(separator: ":")
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    guard parts.count == 2, let port = UInt16(parts[1]), inet_pton(AF_INET, String(parts[0]), &address.sin_addr) == 1
    else { throw Refused(reason: "no address: \(server)") }
    address.sin_port = port.bigEndian
    let connected = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw Refused(reason: "connect: \(errno)") }
    var sent = 0
    while sent < request.count {
      let count = request[sent...].withUnsafeBytes { bytes in
        send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Refused(reason: "send: \(errno)") }
      sent += count
    }
    let head = try receive(4, from: socket)
    return try receive(head.reduce(0) { $0 << 8 | Int($1) }, from: socket)
  }

  private static func receive(_ count: Int, from socket: Int32) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var received = 0
    while received < count {
      let part = bytes[received...].withUnsafeMutableBytes { recv(socket, $0.baseAddress, $0.count, 0) }
      guard part > 0 else { throw Refused(reason: "receive: \(errno)") }
      received += part
    }
    return bytes
  }

  /// Castagnoli's polynomial, bit by bit.
  private static func crc32c(_ bytes: [UInt8]) -> UInt32 {
    var crc = UInt32.max
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
    }
    return ~crc
  }
}

extension [UInt8] {
  fileprivate mutating func add(_ number: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
  }

  fileprivate mutating func add(_ text: String) {
    add(Int16(text.utf8.count))
    append(contentsOf: text.utf8)
  }
}
