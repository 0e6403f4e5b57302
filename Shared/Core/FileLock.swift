import Glibc

/// An exclusive lock on an open file, for processes of one machine (`flock(2)`).
///
/// The lock belongs to the open file, which a forked child shares until it executes its program. So closing the
/// descriptor alone may leave the lock held for a moment; `release` unlocks before it closes.
package enum FileLock {
  /// Takes the lock without waiting.
  /// - Returns: nil, or the `errno` that says why not; `EWOULDBLOCK` when another open file has it.
  package static func acquire(_ descriptor: Int32) -> Int32? {
    flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? nil : errno
  }

  /// Unlocks and closes the file.
  package static func release(_ descriptor: Int32) {
    guard descriptor >= 0 else { return }
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }
}
