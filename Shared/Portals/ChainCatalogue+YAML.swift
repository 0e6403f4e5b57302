import Runtime
import Yams

/// The written form:
///
///     engines:                      # what chains of an engine have in common
///       cerberus: {locator: "https://url.publishedprices.co.il", interval: 10m}
///     chains:
///       - {chain: tiv_taam, name: Tiv Taam, engine: cerberus, user: TivTaam, ids: [7290873255550]}
///
/// Keys of a chain: `chain`, `name`, `engine`, `locator`, `path`, `user`, `password` (`env:NAME`, `file:/path` or a
/// public one), `ids`, `secondary_ids`, `user_agent` (or `browser`), `interval`, `request_gap`, `hours`
/// (`08:00-24:00`, in Israel), `closed_days` (`[sat]`), `closed`, `options`. An unknown key is refused.
extension ChainCatalogue {
  /// What `user_agent: browser` sends.
  package static let browserUserAgent =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"

  /// - Throws: a configuration `Failure` with the line and what is wrong with it.
  package init(yaml: String, origin: String) throws(Failure) {
    let root: Node?
    do {
      root = try compose(yaml: yaml)
    } catch {
      throw Self.wrong(origin, nil, "it is not YAML: \(error)")
    }
    guard let root, root.null == nil else {
      self.init()
      return
    }
    guard let sections = root.mapping else { throw Self.wrong(origin, root, "a mapping is expected") }
    var common: [String: Node.Mapping] = [:]
    var rows: [Node] = []
    for (key, value) in sections {
      switch key.string {
      case "engines":
        guard let engines = value.mapping else { throw Self.wrong(origin, value, "engines: a mapping is expected") }
        for (name, fields) in engines {
          guard let name = name.string, let fields = fields.mapping else {
            throw Self.wrong(origin, fields, "engines: a mapping by engine is expected")
          }
          common[name] = fields
        }
      case "chains":
        guard let list = value.sequence else { throw Self.wrong(origin, value, "chains: a list is expected") }
        rows = Array(list)
      default: throw Self.wrong(origin, key, "'\(key.string ?? "?")' is neither engines nor chains")
      }
    }
    var chains: [Chain] = []
    for row in rows {
      guard let mapping = row.mapping else { throw Self.wrong(origin, row, "a chain is a mapping") }
      var fields = ChainFields(origin: origin, line: row.mark?.line ?? 0)
      // Common fields first, so that the row's own replace them.
      if let engine = mapping["engine"]?.string, let shared = common[engine] { try fields.add(shared) }
      try fields.add(mapping)
      let chain = try fields.chain()
      guard !chains.contains(where: { $0.slug == chain.slug }) else {
        throw Self.wrong(origin, row, "the chain \(chain.slug) is there twice")
      }
      chains.append(chain)
    }
    self.init(chains)
  }

  private static func wrong(_ origin: String, _ node: Node?, _ what: String) -> Failure {
    let line = node?.mark.map { ", line \($0.line)" } ?? ""
    return Failure(.configuration, code: "bad_catalogue", "\(origin)\(line): \(what)")
  }
}
