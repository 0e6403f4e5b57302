import Foundation
import LocalServers

import Glibc

/// A server as the chains run it: ProFTPD with TLS required on both connections, which waits for RETR or MLSD
/// before it answers the handshake of the data connection, and accepts only data connections that resume the session of
/// the control connection. pyftpdlib does neither.
package final class ProFTPD: Sendable {
  package let port: UInt16
  private let child: ChildProcess

  private init(port: UInt16, child: ChildProcess) {
    self.port = port
    self.child = child
  }

  /// - Parameters:
  ///   - folder: for its own files; not the served folder.
  ///   - certificate: PEM file of key and certificate.
  package static func start(
    root: String, user: String, password: String, certificate: String, folder: String
  ) async throws -> ProFTPD {
    let program = try Program.require(
      "proftpd", in: ["/usr/sbin"], package: "the Debian packages proftpd-core and proftpd-mod-crypto")
    let openssl = try Program.require("openssl", package: "the Debian package openssl")
    let hash = try await ChildProcess.run(Launch(openssl, ["passwd", "-6", password]), atMost: .seconds(120)).output
      .split(separator: "\n").first.map(String.init) ?? ""
    let passwords = "\(folder)/proftpd.passwd"
    try "\(user):\(hash):\(getuid()):\(getgid())::\(root):/bin/false\n".write(
      toFile: passwords, atomically: false, encoding: .utf8)
    // It refuses password and key files that other users can read.
    for path in [passwords, certificate] { chmod(path, 0o600) }

    return try await withFreshPort { port in
      let configuration = "\(folder)/proftpd.conf"
      try Self.configuration(port, certificate: certificate, passwords: passwords, folder: folder).write(
        toFile: configuration, atomically: true, encoding: .utf8)
      var launch = Launch(program, ["-n", "-c", configuration])
      let log = "\(folder)/proftpd.log"
      launch.output = .file(log)
      let child = try await ChildProcess.start(launch)
      try await eventually("ProFTPD listens") {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        if let status = child.status {
          throw ConditionNotMet(description: "ProFTPD ended with \(status); it needs the Debian packages "
            + "proftpd-core and proftpd-mod-crypto\n\(text)")
        }
        return text.contains("STARTUP")
      }
      return ProFTPD(port: port, child: child)
    }
  }

  package func stop() async { await child.stop() }

  private static func withFreshPort(_ start: (UInt16) async throws -> ProFTPD) async throws -> ProFTPD {
    do { return try await start(FreePort.next()) } catch is ConditionNotMet {
      // Another process may have taken the port.
      return try await start(FreePort.next())
    }
  }

  private static func configuration(
    _ port: UInt16, certificate: String, passwords: String, folder: String
  ) -> String {
    """
    LoadModule mod_tls.c
    ServerType standalone
    DefaultAddress 127.0.0.1
    UseIPv6 off
    Port \(port)
    User \(getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "nobody")
    Group \(getgrgid(getgid()).map { String(cString: $0.pointee.gr_name) } ?? "nogroup")
    RootLogin on
    PidFile \(folder)/proftpd.pid
    ScoreboardFile \(folder)/proftpd.score
    DelayTable none
    TransferLog none
    WtmpLog off
    RequireValidShell off
    AuthOrder mod_auth_file.c
    AuthUserFile \(passwords)
    TLSEngine on
    TLSRequired on
    TLSRSACertificateFile \(certificate)
    TLSRSACertificateKeyFile \(certificate)
    TLSVerifyClient off

    """
  }
}
