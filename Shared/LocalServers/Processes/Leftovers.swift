import Foundation
import Synchronization

import Glibc

/// What must not survive `exit`: the process groups that still run, and the private folders.
enum Leftovers {
  private struct State {
    var groups: [pid_t: Int32] = [:]
    var folders: [String: String] = [:]
  }
  private static let state: Mutex<State> = {
    atexit { Leftovers.clear() }
    return Mutex(State())
  }()

  static func insert(_ group: pid_t, signal: Int32) { state.withLock { $0.groups[group] = signal } }
  static func remove(_ group: pid_t) { state.withLock { $0.groups[group] = nil } }
  static func insert(folder: String, lock: String) { state.withLock { $0.folders[folder] = lock } }
  /// - Returns: false when it was removed before.
  static func remove(folder: String) -> Bool { state.withLock { $0.folders.removeValue(forKey: folder) != nil } }

  private static func clear() {
    let left = state.withLock { $0 }
    for (group, signal) in left.groups { _ = kill(-group, signal) }
    for (folder, lock) in left.folders {
      try? FileManager.default.removeItem(atPath: folder)
      // A server may be writing its last words: then the folder stays, and with it the lock file by which the next
      // process finds it.
      if access(folder, F_OK) != 0 { unlink(lock) }
    }
  }
}
