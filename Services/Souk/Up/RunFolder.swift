import Core
import Foundation
import LocalServers
import Synchronization

import Glibc

/// The folder of one run: logs that outlive it, so that they can be read afterwards.
///
/// A marker file lists what `souk up` made in the folder. The next run removes what is listed and nothing else; a
/// folder that holds anything that is not listed is refused before it is touched.
final class RunFolder: Sendable {
  static let marker = ".souk-run"
  /// The first line of every marker.
  private static let title = "souk up made what is listed here; its next run in this folder removes it."

  let path: String
  /// The marker, which is also the lock.
  private let descriptor: Int32
  private let listed = Mutex<Set<String>>([])

  /// Creates the folder, and removes what the run before left.
  /// - Throws: `Failure` of class configuration when the folder holds what `souk up` did not make, cannot be written,
  ///   or another run is using it.
  init(_ given: String) throws(Failure) {
    path = Self.absolute(given)
    // Before the first change: a marker in a folder of other content would make it ours.
    _ = try Self.leftovers(in: path)
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Self.refused("cannot create --run-folder \(path): \(error.localizedDescription)")
    }
    let marker = "\(path)/\(Self.marker)"
    descriptor = open(marker, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else {
      throw Self.refused("cannot write \(marker): \(String(cString: strerror(errno)))")
    }
    guard FileLock.acquire(descriptor) == nil else {
      close(descriptor)
      throw Self.refused("another `souk up` is running in \(path); stop it, or give this one its own --run-folder")
    }
    do throws(Failure) {
      for name in try Self.leftovers(in: path) {
        do { try FileManager.default.removeItem(atPath: "\(path)/\(name)") } catch {
          throw Self.refused("cannot remove \(path)/\(name) of the last run: \(error.localizedDescription)")
        }
      }
      guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
        throw Self.refused("cannot write \(marker): \(String(cString: strerror(errno)))")
      }
      try append(Self.title)
    } catch {
      FileLock.release(descriptor)
      throw error
    }
  }

  deinit { FileLock.release(descriptor) }

  /// Where something of this run lies; it is listed in the marker before it exists.
  /// - Parameter name: a name, or two with a slash between them: then the folder is created.
  func file(_ name: String) throws(Failure) -> String {
    let entry = String(name.prefix { $0 != "/" })
    let isNew = listed.withLock { $0.insert(entry).inserted }
    if isNew { try append(entry) }
    if entry != name {
      do {
        try FileManager.default.createDirectory(atPath: "\(path)/\(entry)", withIntermediateDirectories: true)
      } catch {
        throw Self.refused("cannot create \(path)/\(entry): \(error.localizedDescription)")
      }
    }
    return "\(path)/\(name)"
  }

  func log(of process: String) throws(Failure) -> String { try file("\(process).log") }

  /// Refuses an input that a run in this folder would remove or mix with its own files.
  static func require(_ input: String, option: String, outside given: String) throws(Failure) {
    let folder = absolute(given)
    if "\(absolute(input))/".hasPrefix("\(folder)/") {
      throw refused("\(option): \(input) lies in --run-folder \(folder), which each run clears; copy it elsewhere")
    }
  }

  /// What an earlier run made and is still there.
  /// - Throws: when there is anything else.
  private static func leftovers(in path: String) throws(Failure) -> [String] {
    guard access(path, F_OK) == 0 else { return [] }
    let present: Set<String>
    do { present = Set(try FileManager.default.contentsOfDirectory(atPath: path)) } catch {
      throw refused("cannot list --run-folder \(path): \(error.localizedDescription)")
    }
    var made: Set<String> = [marker]
    if present.contains(marker) {
      let lines = String(decoding: try readFile("\(path)/\(marker)"), as: UTF8.self)
        .split(separator: "\n", omittingEmptySubsequences: false)
      // Empty: a run ended between making the marker and writing into it.
      guard lines[0].isEmpty && lines.count == 1 || lines[0] == title else {
        throw refused("\(path)/\(marker) is not a marker of `souk up`; give --run-folder a folder of its own")
      }
      made.formUnion(lines.dropFirst().map(String.init))
    }
    let others = present.subtracting(made).sorted()
    guard others.isEmpty else {
      let shown = others.prefix(3).joined(separator: ", ") + (others.count > 3 ? ", …" : "")
      throw refused("--run-folder \(path) holds what `souk up` did not make (\(shown)); nothing was changed. "
        + "Name a new or empty folder, or move these files")
    }
    return made.subtracting([marker, "", ".", ".."]).filter { present.contains($0) && !$0.contains("/") }.sorted()
  }

  private func append(_ line: String) throws(Failure) {
    let bytes = Array("\(line)\n".utf8)
    guard bytes.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == bytes.count else {
      throw Self.refused("cannot write \(path)/\(Self.marker): \(String(cString: strerror(errno)))")
    }
  }

  private static func absolute(_ given: String) -> String {
    URL(fileURLWithPath: NSString(string: given).expandingTildeInPath).standardizedFileURL.path
  }

  private static func refused(_ reason: String) -> Failure {
    Failure(.configuration, code: "run_folder", reason)
  }
}
