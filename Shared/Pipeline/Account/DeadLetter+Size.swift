import Catalogue
import Core
import Kafka

extension DeadLetter {
  /// What a record costs on the wire beside its key, value and headers, and what each of its headers costs, at most:
  /// lengths, timestamps and the frame of its batch (KIP-98's record format v2).
  private static let frame = 128
  private static let headerFrame = 16

  private static func size(_ headers: [Header]) -> Int {
    headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.count + headerFrame }
  }

  /// The letter with its headers, as a record of at most `largest` bytes.
  ///
  /// A record that just fits is too large with the headers that say why it was dead-lettered. Then the value is cut to
  /// its first bytes; where its own headers or its key leave no room, the headers are dropped and the key is cut
  /// too. Headers say what is missing, how long the value is and what its SHA-256 is; the whole record is where topic,
  /// partition and offset point to, for as long as that topic keeps it.
  func fitted(to largest: Int, from service: ServiceIdentity) -> (letter: DeadLetter, headers: [Header]) {
    let full = self.headers(from: service)
    guard Self.frame + Self.size(full) + (key?.count ?? 0) + (value?.count ?? 0) > largest else { return (self, full) }

    var letter = self
    let about = [
      Header(HeaderName.valueBytes, "\(value?.count ?? 0)"),
      Header(HeaderName.valueSHA256, SHA256.hash(value ?? []).hex),
    ]
    func headers(without parts: [String]) -> [Header] {
      letter.headers(from: service) + [Header(HeaderName.cut, parts.joined(separator: ","))] + about
    }
    /// What is left for the value, also when most is missing.
    func room() -> Int {
      largest - Self.frame - Self.size(headers(without: ["value", "headers", "key"])) - (letter.key?.count ?? 0)
    }

    var cut: [String] = []
    if room() < 0, !letter.headers.isEmpty {
      cut = ["headers"]
      letter.headers = []
    }
    if room() < 0, let key {
      cut.append("key")
      letter.key = Array(key.prefix(max(0, key.count + room())))
    }
    letter.value = value.map { Array($0.prefix(max(0, room()))) }
    if letter.value != value { cut.insert("value", at: 0) }
    return (letter, headers(without: cut))
  }
}
