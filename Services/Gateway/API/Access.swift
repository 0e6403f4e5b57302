import Budgets
import Core
import Logging
import StrictYAML
import Synchronization

/// Who may ask for what: bearer tokens (RFC 6750) with scopes, out of a file.
///
/// ```yaml
/// tokens:
///   - {name: notebooks, token: "env:NOTEBOOK_TOKEN", scopes: [read]}
///   - {name: operators, token: "file:/run/secrets/operators", scopes: [read, write, jobs, users]}
/// ```
struct Access: Sendable {
  struct Client: Hashable, Sendable {
    var name: String
    var scopes: Set<Endpoint.Scope>
  }
  /// By the hash of the token: to find one takes as long whatever was sent.
  fileprivate typealias Clients = [SHA256Digest: Client]
  private let fixed: Clients?
  private let file: TokenFile?
  private var clients: Clients? { file?.clients() ?? fixed }

  /// Without tokens everyone may read, and no one write.
  static let open = Access(fixed: nil, file: nil)

  /// Whether anyone may read.
  var isOpen: Bool { fixed == nil }

  private init(fixed: Clients?, file: TokenFile?) { (self.fixed, self.file) = (fixed, file) }

  /// Follows the file: tokens that are added, taken away or replaced count within a second, without a restart. While it
  /// cannot be read, or holds a mistake, those of before are in force.
  /// - Throws: as below, for what it holds now.
  init(file path: String, logger: Logger) throws(Failure) {
    let file = try TokenFile(path, logger: logger)
    self.init(fixed: file.clients(), file: file)
  }

  /// - Throws: `Failure(.configuration)` with file and line.
  init(yaml: String, origin: String) throws(Failure) {
    self.init(fixed: try Self.clients(yaml: yaml, origin: origin), file: nil)
  }

  fileprivate static func clients(yaml: String, origin: String) throws(Failure) -> Clients {
    guard let root = try YAMLValue.read(yaml: yaml, origin: origin) else {
      throw YAMLFields.wrong(origin, 1, "there are no tokens in it")
    }
    let fields = try YAMLFields(root, of: "file of tokens", known: ["tokens"], origin: origin)
    var clients: Clients = [:]
    for value in try fields.list("tokens") ?? [] {
      let entry = try YAMLFields(value, of: "token", known: ["name", "token", "scopes"], origin: origin)
      let name = try entry.required("name")
      let token = try Secret(try entry.required("token")).resolve()
      guard token.utf8.count >= 16 else { throw entry.wrong("token", "is shorter than 16 characters") }
      var scopes: Set<Endpoint.Scope> = []
      for word in try entry.texts("scopes") ?? ["read"] {
        guard let scope = Endpoint.Scope(rawValue: word) else {
          throw entry.wrong("scopes", "has '\(word)'; there are \(Endpoint.Scope.allCases.map(\.rawValue))")
        }
        scopes.insert(scope)
      }
      guard clients.updateValue(Client(name: name, scopes: scopes), forKey: SHA256.hash(token)) == nil else {
        throw entry.wrong("token", "is that of another entry")
      }
    }
    return clients
  }

  var summary: String {
    guard let clients else { return "no tokens: anyone may read, no one may change anything" }
    return "\(clients.count) tokens: \(clients.values.map(\.name).sorted().joined(separator: ", "))"
  }

  /// - Parameter authorization: the header.
  func client(_ authorization: String?, for scope: Endpoint.Scope) throws(Problem) -> Client {
    guard let clients else {
      guard scope == .read else {
        throw Problem(403, "writes_need_a_token", "this gateway has no tokens, so it changes nothing: --tokens-file")
      }
      return Client(name: "anyone", scopes: [.read])
    }
    let words = (authorization ?? "").split(separator: " ", maxSplits: 1)
    guard words.count == 2, words[0].lowercased() == "bearer", let client = clients[SHA256.hash(String(words[1]))]
    else {
      let isGiven = authorization != nil
      throw Problem(
        401, isGiven ? "unknown_token" : "token_missing",
        isGiven ? "the bearer token is not known" : "send the header 'Authorization: Bearer <token>'",
        headers: [("www-authenticate", "Bearer realm=\"souk\"" + (isGiven ? ", error=\"invalid_token\"" : ""))])
    }
    guard client.scopes.contains(scope) else {
      throw Problem(
        403, "scope_missing", "the token of '\(client.name)' may not \(scope.rawValue)",
        headers: [("www-authenticate", "Bearer error=\"insufficient_scope\", scope=\"\(scope.rawValue)\"")])
    }
    return client
  }
}

/// The tokens of a file that may change.
private final class TokenFile: Sendable {
  private struct State {
    var clients: Access.Clients
    var looked: ContinuousClock.Instant
    var problem: String?
  }
  private let path: String
  private let logger: Logger
  private let state: Mutex<State>

  init(_ path: String, logger: Logger) throws(Failure) {
    self.path = path
    self.logger = logger
    state = Mutex(State(clients: try Self.read(path), looked: .now))
  }

  private static func read(_ path: String) throws(Failure) -> Access.Clients {
    try Access.clients(yaml: String(decoding: try readFile(path, limit: 1 << 20), as: UTF8.self), origin: path)
  }

  /// Looks at most once a second; the files that its tokens name are read again too.
  func clients(now: ContinuousClock.Instant = .now) -> Access.Clients {
    state.withLock { state in
      guard now - state.looked >= .seconds(1) else { return state.clients }
      state.looked = now
      do throws(Failure) {
        let clients = try Self.read(path)
        if clients != state.clients || state.problem != nil {
          logger.notice("tokens were read again", metadata: ["tokens": .stringConvertible(clients.count)])
        }
        (state.clients, state.problem) = (clients, nil)
      } catch {
        if state.problem != error.message {
          logger.error("the file of tokens cannot be used: those of before stay in force", metadata: [
            "reason": "\(error)",
          ])
        }
        state.problem = error.message
      }
      return state.clients
    }
  }
}

/// So many requests a second of each client, with as many at once.
final class RequestRate: Sendable {
  private let limit: RateLimit?
  private let origin = ContinuousClock.now
  private let buckets = Mutex<[String: TokenBucket]>([:])

  /// - Parameter rate: 0 for no limit.
  init(_ rate: Int) { limit = rate > 0 ? RateLimit(count: rate, per: .seconds(1)) : nil }

  func take(_ client: String, now: ContinuousClock.Instant = .now) throws(Problem) {
    guard let limit else { return }
    let time = Int64((now - origin) / .microseconds(1))
    let granted = buckets.withLock { $0[client, default: TokenBucket([limit], at: time)].take(upTo: 1, at: time).count }
    guard granted > 0 else {
      throw Problem(
        429, "too_many_requests", "'\(client)' may ask \(limit.count) times a second", headers: [("retry-after", "1")])
    }
  }
}
