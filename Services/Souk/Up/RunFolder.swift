import Foundation
import Runtime

import Glibc

/// The folder of one run: logs that outlive it, so that they can be read afterwards.
final class RunFolder: Sendable {
  let path: String
  private let lock: Int32

  /// Creates the folder and removes the logs of the run before.
  /// - Throws: `Failure` of class configuration when it cannot be written, or another run is using it.
  init(_ given: String) throws(Failure) {
    path = given.hasPrefix("/") ? given : FileManager.default.currentDirectoryPath + "/" + given
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Failure(.configuration, code: "run_folder", "cannot create --run-folder \(path): \(error)")
    }
    lock = open(path + "/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      throw Failure(
        .configuration, code: "run_folder",
        "another `souk up` is running in \(path); stop it, or give this one its own --run-folder")
    }
    for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] where !name.hasPrefix(".") {
      try? FileManager.default.removeItem(atPath: file(name))
    }
  }

  deinit { close(lock) }

  func file(_ name: String) -> String { "\(path)/\(name)" }
  func log(of process: String) -> String { file("\(process).log") }
}
