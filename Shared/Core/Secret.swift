import Glibc

/// A password as a catalogue gives it: `env:NAME`, `file:/path`, or, for those that are public, the text itself.
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  private enum Source: Hashable {
    case text(String)
    case environment(String)
    case file(String)
  }
  private let source: Source

  package init(_ text: String) {
    if text.hasPrefix("env:") {
      source = .environment(String(text.dropFirst(4)))
    } else if text.hasPrefix("file:/") {
      source = .file(String(text.dropFirst(5)))
    } else {
      source = .text(text)
    }
  }

  /// - Throws: a configuration `Failure` that names the variable or the path, never the value.
  package func resolve() throws(Failure) -> String {
    switch source {
    case .text(let text): return text
    case .environment(let name):
      guard let value = getenv(name) else {
        throw Failure(.configuration, code: "secret_missing", "the environment variable \(name) is not set")
      }
      return String(cString: value)
    case .file(let path):
      var bytes = try readFile(path, limit: 64 << 10)
      // Files of secrets usually end in a line break that is not part of the secret.
      while let last = bytes.last, last == 0x0a || last == 0x0d { bytes.removeLast() }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// The reference, never the value.
  package var description: String {
    switch source {
    case .text: "***"
    case .environment(let name): "env:\(name)"
    case .file(let path): "file:\(path)"
    }
  }
  package var debugDescription: String { description }
}
