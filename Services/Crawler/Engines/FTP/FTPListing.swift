import Runtime
import Schemas

/// One line of an FTP listing.
struct FTPEntry: Hashable, Sendable {
  var name: String
  /// False for folders, links and what the server says nothing of but that it is no file.
  var isFile = true
  /// Bytes.
  var size: Int64?
  /// `yyyyMMddHHmmss[.fff]`, UTC, as written.
  var modified: String?
}

/// Reads the answers to MLSD (RFC 3659: `fact=value;fact=value; name`) and NLST (one name a line).
enum FTPListing {
  /// - Returns: the entries, facts nobody knows (they may only grow), and how many lines were not of the form.
  static func machine(_ body: [UInt8]) -> (entries: [FTPEntry], malformed: Int) {
    var malformed = 0
    var entries: [FTPEntry] = []
    for line in lines(body) {
      // The facts end at the first blank; the name is everything behind it, blanks included.
      guard let blank = line.firstIndex(of: " "), blank == line.startIndex || line[..<blank].hasSuffix(";") else {
        malformed += 1
        continue
      }
      var entry = FTPEntry(name: String(line[line.index(after: blank)...]))
      for fact in line[..<blank].split(separator: ";") {
        guard let equals = fact.firstIndex(of: "=") else { continue }
        let value = fact[fact.index(after: equals)...]
        switch fact[..<equals].lowercased() {
        case "type": entry.isFile = value.lowercased() == "file"
        case "size": entry.size = Int64(value).flatMap { $0 >= 0 ? $0 : nil }
        case "modify": entry.modified = String(value)
        default: break
        }
      }
      entries.append(entry)
    }
    return (entries, malformed)
  }

  /// Names only; some servers put the folder before each.
  static func names(_ body: [UInt8]) -> [FTPEntry] {
    lines(body).map { FTPEntry(name: $0.split(separator: "/").last.map(String.init) ?? $0) }
  }

  private static func lines(_ body: [UInt8]) -> [String] {
    body.split(whereSeparator: { $0 == 0x0a || $0 == 0x0d }).map { String(decoding: $0, as: UTF8.self) }
  }
}
