import Foundation
import LocalServers
import Synchronization

/// A real FTP server (pyftpdlib) on 127.0.0.1 over one folder.
package final class LocalFTPServer: Sendable {
  package let port: Int
  package let user: String
  package let password: String
  private let child: ChildProcess

  private init(port: Int, user: String, password: String, child: ChildProcess) {
    self.port = port
    self.user = user
    self.password = password
    self.child = child
  }

  /// - Parameters:
  ///   - certificate: PEM file of key and certificate; with it, TLS of the explicit kind is required.
  ///   - masquerade: the address that answers to PASV name instead of its own.
  ///   - namesOnly: it knows no MLSD.
  package static func start(
    root: String, user: String = "reader", password: String = "p4ss word", certificate: String? = nil,
    masquerade: String? = nil, namesOnly: Bool = false
  ) async throws -> LocalFTPServer {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("ftp_server.py")
    // Debian's own Python, which Debian's python3-pyftpdlib belongs to; another may come first on PATH.
    let python = try Program.require("/usr/bin/python3", package: "python3-pyftpdlib")
    var arguments = [script.path, "--root", root, "--user", user, "--password", password]
    if let certificate { arguments += ["--certificate", certificate] }
    if namesOnly { arguments.append("--names-only") }
    if let masquerade { arguments += ["--masquerade", masquerade] }
    let lines = Lines()
    var launch = Launch(python, arguments)
    launch.output = .lines { lines.add($0) }
    let child = try await ChildProcess.start(launch)
    try await eventually("the FTP server listens") {
      if let status = child.status {
        throw ConditionNotMet(description: "the FTP server ended with \(status); it needs the Debian packages "
          + "python3-pyftpdlib and python3-openssl\n\(lines.text)")
      }
      return lines.port != nil
    }
    guard let port = lines.port else { throw ConditionNotMet(description: "no port: \(lines.text)") }
    return LocalFTPServer(port: port, user: user, password: password, child: child)
  }

  package func url(_ path: String, scheme: String = "ftp") -> String { "\(scheme)://127.0.0.1:\(port)\(path)" }

  package func stop() async { await child.stop() }

  private final class Lines: Sendable {
    private let storage = Mutex<[String]>([])
    func add(_ line: String) { storage.withLock { $0.append(line) } }
    var text: String { storage.withLock { $0.joined(separator: "\n") } }
    var port: Int? { storage.withLock { $0.lazy.compactMap { Int($0) }.first } }
  }
}
