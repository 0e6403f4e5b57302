import Synchronization

/// The visits to the simulated Cerberus portal: who is logged in, and which token the next request has to carry.
final class CerberusSessions: Sendable {
  private struct Visit {
    var prefix: String
    var isLoggedIn = false
    /// Good for one request.
    var token: String
  }
  private struct State {
    var visits: [String: Visit] = [:]
    var serial = 0
  }
  private let state = Mutex(State())

  /// A new visitor's cookie and the token of the login form.
  func begin(_ prefix: String) -> (cookie: String, token: String) {
    state.withLock { state in
      state.serial += 1
      let cookie = "s\(state.serial)"
      state.visits[cookie] = Visit(prefix: prefix, token: "t\(state.serial)")
      return (cookie, "t\(state.serial)")
    }
  }

  /// Logs a visitor in under a new cookie; the old one becomes invalid.
  func logIn(_ cookie: String, _ prefix: String, token: String) -> String? {
    state.withLock { state in
      guard var visit = state.visits.removeValue(forKey: cookie), visit.prefix == prefix, visit.token == token
      else { return nil }
      state.serial += 1
      visit.isLoggedIn = true
      visit.token = ""
      state.visits["s\(state.serial)"] = visit
      return "s\(state.serial)"
    }
  }

  func isLoggedIn(_ cookie: String?, _ prefix: String) -> Bool {
    state.withLock { state in
      guard let visit = cookie.flatMap({ state.visits[$0] }) else { return false }
      return visit.isLoggedIn && visit.prefix == prefix
    }
  }

  /// A token for the next request of a visitor who is logged in.
  func issue(_ cookie: String) -> String {
    state.withLock { state in
      state.serial += 1
      state.visits[cookie]?.token = "t\(state.serial)"
      return "t\(state.serial)"
    }
  }

  func spend(_ token: String?, _ cookie: String) -> Bool {
    state.withLock { state in
      guard let token, !token.isEmpty, state.visits[cookie]?.token == token else { return false }
      state.visits[cookie]?.token = ""
      return true
    }
  }

  /// Ends every session, as the real portal does after half an hour.
  func expireAll() { state.withLock { $0.visits = [:] } }
}
