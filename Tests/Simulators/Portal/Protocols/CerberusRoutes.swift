import Foundation
import HTTPTypes
import HummingbirdCore
import NIOCore
import SimulatorServer

/// The web side of a Cerberus portal, one per chain below `/<prefix>/cerberus`.
///
/// Documented shape, never live-checked: GET /login (meta csrftoken, cookie cftpSID), POST /login/user (302 let in,
/// 200 refused), GET /file (a new token), POST /file/json/dir (`aaData`; another method answers 200 with `error`),
/// GET /file/d/<name>; without a session a 302 to /login. The user is the chain's prefix; the password is empty,
/// except for the chain that keeps its files in the folder /Yuda (`cerberusFolder`), whose password is
/// `cerberusPassword`.
extension PortalSimulator {
  package func cerberusAddress(of chain: ChainProfile) -> String { "\(baseURL(of: chain))/cerberus" }
  /// The second chain keeps its files in a folder.
  package func cerberusFolder(of chain: ChainProfile) -> String { chain.ordinal % 5 == 1 ? "/Yuda" : "/" }
  package func cerberusPassword(of chain: ChainProfile) -> String { chain.ordinal % 5 == 1 ? "p&ss word=1" : "" }
  /// Forgets who is logged in, as the real portal does after half an hour.
  package func expireCerberusSessions() { sessions.expireAll() }

  func addCerberus(to router: Router) {
    let root = "/{prefix}/cerberus"
    router.get("\(root)/login") { request, parameters in
      try await self.answer(.login, request, parameters) { published, _ in
        let (cookie, token) = self.sessions.begin(published.chain.prefix)
        var answer = Self.cerberusPage(title: "Cerberus Web Client", token: token, body: Self.loginForm)
        answer.headers.append(.init(name: .setCookie, value: "cftpSID=\(cookie); path=/; HttpOnly"))
        return answer
      }
    }
    router.post("\(root)/login/user") { request, parameters in
      let fields = try await Self.fields(of: request)
      return try await self.answer(.login, request, parameters) { published, _ in
        let chain = published.chain
        guard fields["username"] == chain.prefix, fields["password"] == self.cerberusPassword(of: chain),
          fields["Submit"] == "Sign in",
          let cookie = Self.cookie(request).flatMap({
            self.sessions.logIn($0, chain.prefix, token: fields["csrftoken"] ?? "")
          })
        else {
          return Self.cerberusPage(title: "Cerberus Web Client", token: "again", body: Self.loginForm)
        }
        var answer = PortalAnswer(status: .found, type: "text/html", [])
        answer.headers.append(.init(name: .location, value: "/\(chain.prefix)/cerberus/file"))
        answer.headers.append(.init(name: .setCookie, value: "cftpSID=\(cookie); path=/; HttpOnly"))
        return answer
      }
    }
    router.get("\(root)/file") { request, parameters in
      try await self.answer(.resolver, request, parameters) { published, mode in
        guard let cookie = self.visitor(request, published, mode) else { return Self.toLogin(published) }
        return Self.cerberusPage(
          title: "Files", token: self.sessions.issue(cookie), body: "<div id=\"fileList\"></div>")
      }
    }
    router.get("\(root)/file/json/dir") { request, parameters in
      try await self.answer(.listing, request, parameters) { _, _ in
        .init(json: Array(#"{"aaData":[],"error":"Invalid request method used for this operation."}"#.utf8))
      }
    }
    router.post("\(root)/file/json/dir") { request, parameters in
      let fields = try await Self.fields(of: request)
      return try await self.answer(.listing, request, parameters) { published, mode in
        guard let cookie = self.visitor(request, published, mode) else { return Self.toLogin(published) }
        guard self.sessions.spend(fields["csrftoken"], cookie) else {
          return .init(json: Array(#"{"aaData":[],"error":"Invalid token."}"#.utf8))
        }
        return try self.cerberusDirectory(published, fields, mode)
      }
    }
    for path in ["\(root)/file/d/{name}", "\(root)/file/d/Yuda/{name}"] {
      router.get("\(path)") { request, parameters in
        try await self.answer(.download, request, parameters) { published, mode in
          guard self.visitor(request, published, mode) != nil else { return Self.toLogin(published) }
          let folder = path.hasSuffix("Yuda/{name}") ? "/Yuda" : "/"
          guard folder == self.cerberusFolder(of: published.chain) else { return .notFound }
          return self.download(parameters["name"], from: published, mode)
        }
      }
    }
  }

  /// The cookie of a client that is logged in; nil for every client while the fault is active.
  private func visitor(_ request: Request, _ published: PublishedChain, _ mode: Fault.Mode?) -> String? {
    guard mode != .expiredSession, let cookie = Self.cookie(request),
      sessions.isLoggedIn(cookie, published.chain.prefix)
    else { return nil }
    return cookie
  }

  private func cerberusDirectory(
    _ published: PublishedChain, _ fields: [String: String], _ mode: Fault.Mode?
  ) throws -> PortalAnswer {
    let chain = published.chain
    var rows: [[String: Any]] = []
    if fields["cd"] == "/", cerberusFolder(of: chain) != "/" {
      rows.append(Self.cerberusRow("Yuda", type: "folder", size: 0, time: chain.ordinal, label: "Directory"))
    }
    if fields["cd"] == cerberusFolder(of: chain), mode != .emptyListing {
      rows += shuffledFiles(of: published).map { file in
        Self.cerberusRow(
          file.name, type: "file", size: size(of: file),
          time: (file.time + 300 + revision(of: file) * 600).seconds, label: "\(chain.nameSuffix.uppercased()) File")
      }
    }
    let total = rows.count
    let start = fields["iDisplayStart"].flatMap { Int($0) } ?? 0
    let length = min(fields["iDisplayLength"].flatMap { Int($0) } ?? 25, options.listingCap)
    rows = Array(rows.dropFirst(start).prefix(length))
    if mode == .unknownColumn { rows = rows.map { $0.merging(["checksum": "abc"]) { $1 } } }
    if mode == .missingColumn {
      rows = rows.map { row in row.filter { $0.key != "fname" && $0.key != "name" } }
    }
    if mode == .unknownShape { return .init(json: Array(#"{"files":3,"version":"2"}"#.utf8)) }
    return .init(json: Array(try JSONSerialization.data(withJSONObject: [
      "sEcho": 1, "iTotalRecords": total, "iTotalDisplayRecords": total, "aaData": rows,
    ] as [String: Any])))
  }

  private static func cerberusRow(
    _ name: String, type: String, size: Int, time: Int, label: String
  ) -> [String: Any] {
    let time = WallTime(seconds: time)
    return [
      "fname": name, "name": name, "value": name, "type": type, "typeLabel": label, "size": size,
      "ftime": time.text("M/D/Y h:m"), "time": time.text("Y-M-DTh:m:sZ"),
    ]
  }

  private static let loginForm = """
    <form id="login-form" action="/login/user" method="post">
    <input type="text" name="username"><input type="password" name="password">
    <button type="submit" name="Submit" value="Sign in">Sign in</button></form>
    """

  private static func cerberusPage(title: String, token: String, body: String) -> PortalAnswer {
    .init(html: """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><title>\(title)</title>
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="csrftoken" content="\(token)"/>
      <link rel="stylesheet" href="/css/main.css"></head>
      <body>\(body)</body></html>
      """)
  }

  private static func toLogin(_ published: PublishedChain) -> PortalAnswer {
    var answer = PortalAnswer(status: .found, type: "text/html", [])
    answer.headers.append(.init(name: .location, value: "/\(published.chain.prefix)/cerberus/login"))
    return answer
  }

  private static func cookie(_ request: Request) -> String? {
    for pair in (request.headers[.cookie] ?? "").split(separator: ";") {
      let parts = pair.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      if parts.count == 2, parts[0] == "cftpSID" { return parts[1] }
    }
    return nil
  }

  private static func fields(of request: Request) async throws -> [String: String] {
    let body = try await request.body.collect(upTo: 64 << 10)
    var parts = URLComponents()
    parts.percentEncodedQuery = String(buffer: body).replacingOccurrences(of: "+", with: "%20")
    return Dictionary((parts.queryItems ?? []).map { ($0.name, $0.value ?? "") }) { first, _ in first }
  }
}
