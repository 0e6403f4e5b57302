import Core
import Glibc

enum FileAccess {
  /// Why the file cannot be read, as `errno`; nil when it can.
  static func failure(_ path: String) -> Int32? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return errno }
    close(descriptor)
    return nil
  }

  /// Whether the process or the machine can open nothing more just now.
  static var isOutOfDescriptors: Bool { failure("/dev/null").map { ErrorClass(ofSetting: $0) == .transient } ?? false }
}
