import Runtime
import Synchronization

import Glibc

/// The one thread that starts children.
///
/// The kernel sends a parent-death signal when the *thread* that started the child ends, and threads of the
/// cooperative pool end when idle; this thread lives as long as the process.
actor Spawner {
  static let shared = Spawner()
  private let executor = ThreadExecutor(name: "spawner")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Starts `launch` as the leader of a new process group.
  /// - Returns: its process id, and the reading ends of the streams that go to `.lines`.
  func start(_ launch: Launch) throws -> (pid: pid_t, streams: [LineReader]) {
    let command = try Self.command(for: launch)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)

    var readers: [LineReader] = []
    var writingEnds: [Int32] = []
    defer { for end in writingEnds { close(end) } }
    func connect(_ output: Launch.Output, to stream: Int32) throws {
      switch output {
      case .inherit: posix_spawn_file_actions_adddup2(&actions, stream, stream)
      case .discard: posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_WRONLY, 0)
      case .file(let path):
        posix_spawn_file_actions_addopen(&actions, stream, path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
      case .lines(let handler):
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw spawnFailure(launch.name, errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        readers.append(LineReader(descriptor: ends[0], handler: handler))
        writingEnds.append(ends[1])
        posix_spawn_file_actions_adddup2(&actions, ends[1], stream)
      }
    }
    try connect(launch.output, to: STDOUT_FILENO)
    if let errorOutput = launch.errorOutput {
      try connect(errorOutput, to: STDERR_FILENO)
    } else if case .inherit = launch.output {
      posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDERR_FILENO)
    } else {
      posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
    }
    // Descriptors that some library opened without close-on-exec must not keep our sockets alive in a child.
    for descriptor in Self.inheritableDescriptors() { posix_spawn_file_actions_addclose(&actions, descriptor) }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    posix_spawnattr_setpgroup(&attributes, 0)
    var none = sigset_t(), all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)

    let environment = Self.environment(of: launch)
    var pid = pid_t()
    let code = withCStrings(command) { arguments in
      withCStrings(environment) { posix_spawn(&pid, command[0], &actions, &attributes, arguments, $0) }
    }
    guard code == 0 else { throw spawnFailure(launch.name, code) }
    return (pid, readers)
  }

  private func spawnFailure(_ name: String, _ code: Int32) -> Failure {
    Failure(.fatal, code: "spawn_failed", "cannot start \(name): \(String(cString: strerror(code)))")
  }

  /// `setpriv` sets the parent-death signal and the account, then becomes the program (same process id).
  private static func command(for launch: Launch) throws -> [String] {
    let program = try Program.require(launch.executable, package: "the package that provides it")
    var command = [try Program.require("setpriv", package: "util-linux"), "--pdeathsig", launch.lastSignal.rawValue]
    if let account = launch.account {
      command += ["--reuid", "\(account.user)", "--regid", "\(account.group)", "--clear-groups"]
    }
    command.append("--")
    // The calls that set a child's folder and close a range of descriptors are out of Swift's reach (feature macros).
    if let folder = launch.workingDirectory {
      command += [try Program.require("env", package: "coreutils"), "-C", folder]
    }
    return command + [program] + launch.arguments
  }

  private static func inheritableDescriptors() -> [Int32] {
    guard let folder = opendir("/proc/self/fd") else { return [] }
    defer { closedir(folder) }
    var descriptors: [Int32] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard let descriptor = Int32(name), descriptor > STDERR_FILENO else { continue }
      if fcntl(descriptor, F_GETFD) & FD_CLOEXEC == 0 { descriptors.append(descriptor) }
    }
    return descriptors
  }

  private static let alwaysInherited: Set<Substring> = ["PATH", "HOME", "LANG", "TZ", "LD_LIBRARY_PATH"]

  private static func environment(of launch: Launch) -> [String] {
    let extra = launch.environment
    var entries: [String] = []
    var next = environ
    while let entry = next.pointee {
      let text = String(cString: entry)
      let name = text.prefix { $0 != "=" }
      let isInherited = launch.inheritsEnvironment || alwaysInherited.contains(name)
      if isInherited, extra[String(name)] == nil { entries.append(text) }
      next += 1
    }
    for (name, value) in extra {
      if let value { entries.append("\(name)=\(value)") }
    }
    return entries
  }
}

/// Calls `body` with a NULL-terminated array of C strings that lives as long as the call.
private func withCStrings<R>(
  _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
  var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
  pointers.append(nil)
  defer { for pointer in pointers { free(pointer) } }
  return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
}
