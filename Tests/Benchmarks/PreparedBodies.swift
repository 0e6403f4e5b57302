import Foundation
import LocalServers

/// The points of a feed as compressed request bodies in files: only the server's work is left to measure.
struct PreparedBodies {
  private let folder: PrivateFolder
  private let count: Int
  private static let points = 5_000
  /// The same concurrency as influx-consumer's.
  private static let connections = 4

  init(_ feed: MarketFeed) throws {
    folder = try PrivateFolder("bodies")
    var count = 0
    for start in stride(from: 0, to: feed.messages, by: Self.points) {
      let end = min(start + Self.points, feed.messages)
      let text = (start..<end).map { feed.line($0) }.joined(separator: "\n") + "\n"
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file("\(count)")))
      count += 1
    }
    self.count = count
  }

  func remove() { folder.remove() }

  /// - Returns: seconds.
  func send(to influx: PrivateInfluxDB, _ database: String) async throws -> Double {
    if !FileManager.default.fileExists(atPath: folder.file("0.gz")) {
      let gzip = try Program.require("gzip", package: "the Debian package gzip")
      for number in 0..<count {
        try await ChildProcess.runOrThrow(Launch(gzip, ["-1", folder.file("\(number)")]))
      }
    }
    let requests = (0..<count).map { number in
      """
      url = "\(influx.url)/write?precision=u&db=\(database)"
      header = "Content-Encoding: gzip"
      data-binary = "@\(folder.file("\(number).gz"))"
      fail
      """
    }
    let file = folder.file("requests")
    try Data(requests.joined(separator: "\nnext\n").utf8).write(to: URL(fileURLWithPath: file))
    let curl = try Program.require("curl", package: "the Debian package curl")
    let launch = Launch(
      curl, ["--silent", "--parallel", "--parallel-max", "\(Self.connections)", "--config", file])
    let clock = ContinuousClock()
    return try await clock.measure { try await ChildProcess.runOrThrow(launch, atMost: .seconds(1_800)) } / .seconds(1)
  }
}
