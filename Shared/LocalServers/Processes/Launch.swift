import Foundation
import Glibc
import Subprocess
import Synchronization
import SystemPackage

/// What to start and how: the value a `ChildProcess` is made of.
package struct Launch: Sendable {
  /// Where what the child prints goes, its errors too.
  package enum Output: Sendable {
    case inherit
    case discard
    /// Appended to the file, which is created if missing.
    case file(String)
    /// One call per line, without its line end; never concurrently for one stream.
    case lines(@Sendable (String) -> Void)
  }

  /// A path, or a name to be looked for in `PATH`.
  package var executable: String
  package var arguments: [String]
  /// Added to (and winning over) what is inherited; nil removes a variable.
  package var environment: [String: String?] = [:]
  /// false: of the environment of this process only `PATH`, `HOME`, `LANG`, `TZ` and `LD_LIBRARY_PATH` are inherited.
  package var inheritsEnvironment = true
  package var workingDirectory: String?
  package var output: Output = .discard
  /// Takes the lines of standard error, when those of standard output are taken and these are wanted apart.
  package var errorLines: (@Sendable (String) -> Void)?
  /// The account the child runs as; only possible for root.
  package var account: Account?
  /// What the child gets if this process ends, in whatever way, without having stopped it.
  package enum LastSignal: String, Sendable {
    case kill = "KILL"
    case quit = "QUIT"
    var number: Int32 { self == .kill ? SIGKILL : SIGQUIT }
  }
  package var lastSignal = LastSignal.kill

  package init(_ executable: String, _ arguments: [String] = []) {
    self.executable = executable
    self.arguments = arguments
  }

  /// The last path component, for messages.
  package var name: String { String(executable.split(separator: "/").last ?? Substring(executable)) }

  /// `setpriv` sets the signal that the kernel sends when the thread that started the child ends (Subprocess starts
  /// all children on one thread that lives as long as the process), changes to the account, then becomes the program.
  /// - Throws: a configuration `Failure` when the program is not there.
  func configuration() throws -> Configuration {
    let program = try Program.require(executable, package: "the package that provides it")
    let setpriv = try Program.require("setpriv", package: "util-linux")
    var options = PlatformOptions()
    options.processGroupID = 0
    var privileges = ["--pdeathsig", lastSignal.rawValue]
    if let account {
      // Not by Subprocess: in the child of a process with threads, glibc's setgroups and setuid can wait for ever for
      // a thread that was being started at the fork.
      privileges += ["--reuid", "\(account.user)", "--regid", "\(account.group)", "--clear-groups"]
    }
    let changes = environment.map { (Environment.Key(rawValue: $0.key)!, $0.value) }
    return Configuration(
      executable: .path(FilePath(setpriv)),
      arguments: Arguments(privileges + ["--", program] + arguments),
      environment: (inheritsEnvironment ? Environment.inherit : .custom(Self.alwaysInherited))
        .updating(Dictionary(uniqueKeysWithValues: changes)),
      workingDirectory: workingDirectory.map { FilePath($0) }, platformOptions: options)
  }

  private static var alwaysInherited: [Environment.Key: String] {
    var kept: [Environment.Key: String] = [:]
    for name in ["PATH", "HOME", "LANG", "TZ", "LD_LIBRARY_PATH"] {
      if let value = getenv(name) { kept[Environment.Key(rawValue: name)!] = String(cString: value) }
    }
    return kept
  }
}

/// An account of the system, by number.
package struct Account: Hashable, Sendable {
  package var user: UInt32
  package var group: UInt32

  package init(user: UInt32, group: UInt32) {
    self.user = user
    self.group = group
  }

  /// - Returns: nil when the system has no account of that name.
  package init?(named name: String) {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var strings = [CChar](repeating: 0, count: 16_384)
    guard getpwnam_r(name, &entry, &strings, strings.count, &found) == 0, found != nil else { return nil }
    self.init(user: entry.pw_uid, group: entry.pw_gid)
  }

  /// An account without privileges for a server that refuses to run as root; nil when not root, where the server
  /// runs as the caller.
  package static func unprivileged(preferring names: [String]) -> Account? {
    guard geteuid() == 0 else { return nil }
    return (names + ["nobody"]).lazy.compactMap { Account(named: $0) }.first { $0.user != 0 }
  }
}

/// How a process ended.
package enum ExitStatus: Hashable, Sendable, CustomStringConvertible {
  case exited(Int32)
  case signalled(Int32)

  package var isSuccess: Bool { self == .exited(0) }

  package var description: String {
    switch self {
    case .exited(let code): "exit code \(code)"
    case .signalled(let signal): "signal \(signal)"
    }
  }
}

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
