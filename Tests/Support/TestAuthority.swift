import Foundation
import LocalServers

/// A certificate authority of one test, and certificates of it, made with openssl.
package struct TestAuthority: Sendable {
  /// PEM file of the authority's own certificate.
  package let file: String
  private let folder: String
  private let openssl: String

  /// - Parameter folder: where the files go; one authority in a folder.
  package init(in folder: String) async throws {
    self.folder = folder
    openssl = try Program.require("openssl", package: "the Debian package openssl")
    file = "\(folder)/authority.pem"
    try await make("authority", [
      "-subj", "/CN=Souk test authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
    ])
  }

  /// - Parameters:
  ///   - name: of the files.
  ///   - subject: such as `DNS:localhost` or `IP:127.0.0.1`.
  /// - Returns: PEM files.
  package func issue(_ name: String, for subject: String) async throws -> (chain: String, key: String) {
    try await make(name, [
      "-CA", file, "-CAkey", "\(folder)/authority.key", "-subj", "/CN=\(name)", "-addext", "subjectAltName=\(subject)",
      "-addext", "basicConstraints=critical,CA:FALSE",
    ])
    return ("\(folder)/\(name).pem", "\(folder)/\(name).key")
  }

  /// As `issue`, but valid for one day of 2020 only.
  package func issueExpired(_ name: String, for subject: String) async throws -> (chain: String, key: String) {
    let configuration = """
      [ca]
      default_ca = own
      [own]
      database = \(folder)/\(name).index
      new_certs_dir = \(folder)
      certificate = \(file)
      private_key = \(folder)/authority.key
      rand_serial = yes
      default_md = sha256
      policy = any
      x509_extensions = leaf
      [any]
      commonName = supplied
      [leaf]
      basicConstraints = critical,CA:FALSE
      subjectAltName = \(subject)

      """
    try Data(configuration.utf8).write(to: URL(filePath: "\(folder)/\(name).cnf"))
    try Data().write(to: URL(filePath: "\(folder)/\(name).index"))
    for arguments in [
      ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=\(name)", "-keyout", "\(folder)/\(name).key",
       "-out", "\(folder)/\(name).csr"],
      ["ca", "-batch", "-notext", "-config", "\(folder)/\(name).cnf", "-startdate", "20200101000000Z",
       "-enddate", "20200102000000Z", "-in", "\(folder)/\(name).csr", "-out", "\(folder)/\(name).pem"],
    ] { _ = try await ChildProcess.runOrThrow(Launch(openssl, arguments), atMost: .seconds(120)) }
    return ("\(folder)/\(name).pem", "\(folder)/\(name).key")
  }

  private func make(_ name: String, _ arguments: [String]) async throws {
    let launch = Launch(openssl, [
      "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "\(folder)/\(name).key",
      "-out", "\(folder)/\(name).pem",
    ] + arguments)
    _ = try await ChildProcess.runOrThrow(launch, atMost: .seconds(120))
  }
}
