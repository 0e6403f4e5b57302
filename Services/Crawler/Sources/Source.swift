import Foundation
import HTTP
import Runtime

/// What one `--source` says:
///
///     king_store                                a chain of the catalogue
///     bina:<prefix>                             https://<prefix>.binaprojects.com
///     bina+http(s)://host[/path]?chain=<slug>   a Bina portal anywhere; without chain, the chain id of the file names
///     dir:<folder>                              a local folder
package enum Source: Hashable, Sendable {
  /// - chain: nil means the chain id of each file's name.
  case bina(address: String, chain: String?, label: String)
  case folder(String)

  /// - Throws: a configuration `Failure` that says what is wrong and what is possible.
  package init(_ text: String) throws(Failure) {
    if let path = Self.rest(text, after: "dir:") {
      guard !path.isEmpty else { throw Self.wrong(text, "the folder is missing: dir:/path/to/folder") }
      self = .folder(path)
    } else if let prefix = Self.rest(text, after: "bina:") {
      guard !prefix.isEmpty, prefix.utf8.allSatisfy({ Self.isNameByte($0) || $0 == UInt8(ascii: "-") }) else {
        throw Self.wrong(text, "after bina: comes the first part of <prefix>.binaprojects.com")
      }
      let known = BinaCatalogue.at(prefix: prefix)
      self = .bina(address: BinaChain.address(prefix: prefix), chain: known?.slug, label: known?.slug ?? prefix)
    } else if text.hasPrefix("bina+") {
      self = try Self.portal(String(text.dropFirst(5)), text)
    } else if let chain = BinaCatalogue.named(text) {
      guard !chain.isClosed else { throw Self.wrong(text, "\(chain.name) no longer publishes") }
      self = .bina(address: chain.address, chain: chain.slug, label: chain.slug)
    } else {
      throw Self.wrong(
        text, "it is no chain of the catalogue (see `crawler sources`) and none of bina:<prefix>, "
          + "bina+https://host/path?chain=<name>, dir:<folder>")
    }
  }

  /// What logs and metrics call it.
  package var label: String {
    switch self {
    case .bina(_, _, let label): label
    case .folder: "dir"
    }
  }

  private static func portal(_ address: String, _ text: String) throws(Failure) -> Source {
    guard let parts = URLComponents(string: address), parts.scheme == "http" || parts.scheme == "https",
      let host = parts.host, !host.isEmpty
    else { throw wrong(text, "after bina+ comes an http:// or https:// address") }
    var chain: String?
    for item in parts.queryItems ?? [] {
      guard item.name == "chain", let value = item.value, !value.isEmpty,
        value.utf8.allSatisfy({ isNameByte($0) || $0 == UInt8(ascii: "-") })
      else { throw wrong(text, "the only parameter is chain=<name> of letters, digits, '_' and '-'") }
      chain = value
    }
    var bare = parts
    bare.query = nil
    bare.fragment = nil
    guard let clean = bare.string else { throw wrong(text, "the address cannot be read") }
    return .bina(address: clean, chain: chain, label: chain ?? host)
  }

  private static func rest(_ text: String, after prefix: String) -> String? {
    text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : nil
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte)
      || byte == UInt8(ascii: "_")
  }

  private static func wrong(_ text: String, _ what: String) -> Failure {
    Failure(.configuration, code: "bad_source", "--source \(text): \(what)")
  }
}
