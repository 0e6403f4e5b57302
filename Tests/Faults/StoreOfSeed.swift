import Foundation
import LocalServers
import TestSupport

import Glibc

/// Where a seed's services keep objects: below a prefix of its own on the shared S3 server behind a door, or in a
/// folder on a disk of 4 MiB.
struct StoreOfSeed: Sendable {
  private static let bucket = "faults"
  private let prefix = TestServers.uniqueName()
  private let place: Pool<SeaweedFS>.Place
  private let stallsNames: Bool
  /// The folder, and why it is not on a disk of its own.
  private let disk: (folder: String, refusal: String?)?

  init(_ folder: String, _ plan: FaultPlan) async throws {
    place = try await Pools.store.take()
    stallsNames = plan.stallsNames
    guard plan.hasDisk else {
      disk = nil
      return
    }
    let path = folder + "/disk"
    mkdir(path, 0o700)
    let mounted = mount("none", path, "tmpfs", 0, "size=4m") == 0
    disk = (path, mounted ? nil : "a small disk cannot be mounted here: \(String(cString: strerror(errno)))")
  }

  var environment: [String: String?] {
    if let disk { return ["OBJECT_STORE": "file://\(disk.folder)/store"] }
    var environment: [String: String?] = ["OBJECT_STORE": "s3://\(Self.bucket)/\(prefix)", "S3_TIMEOUT": "3s"]
    for (name, value) in place.server.environment { environment[name] = value }
    environment["S3_ENDPOINT"] = "http://s3.\(stallsNames ? "stalled" : "missing").test:\(place.door.port)"
    return environment
  }

  /// - Parameter what: `s3` or `disk`.
  func begin(_ what: Substring, _ kind: Substring, _ names: FailingResolver) async throws -> String? {
    guard what == "disk" else {
      _ = try await place.begin(kind, names)
      return nil
    }
    guard let disk, disk.refusal == nil else { return disk?.refusal }
    let file = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    let block = [UInt8](repeating: 0, count: 4_096)
    while write(file, block, block.count) > 0 {}
    Glibc.close(file)
    return nil
  }

  private var ballast: String { (disk?.folder ?? "") + "/ballast" }

  var attempts: Int { place.door.connections }

  func heal() {
    place.heal()
    if disk != nil { unlink(ballast) }
  }

  /// Every line of every object, behind the object's key.
  func lines() async throws -> [(key: Substring, line: Substring)] {
    let python = try Program.require(
      "python3", in: Program.environmentFolders, package: "python3-venv, and boto3 from PyPI")
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "read_store.py").path
    var launch = Launch(
      python, [script] + (disk.map { ["folder", $0.folder + "/store"] } ?? ["s3", Self.bucket, prefix]))
    for (name, value) in place.server.environment { launch.environment[name] = value }
    return try await ChildProcess.runOrThrow(launch, atMost: .seconds(300)).split(separator: "\n").compactMap { line in
      line.firstIndex(of: "\t").map { (line[..<$0], line[line.index(after: $0)...]) }
    }
  }

  func close() async {
    if let disk { umount2(disk.folder, Int32(MNT_DETACH)) }
    await Pools.store.giveBack(place)
  }
}
