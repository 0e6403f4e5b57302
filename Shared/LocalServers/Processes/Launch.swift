import Glibc

/// What to start and how: the value a `ChildProcess` is made of.
package struct Launch: Sendable {
  /// Where a stream of the child goes.
  package enum Output: Sendable {
    case inherit
    case discard
    /// Appended to the file, which is created if missing.
    case file(String)
    /// One call per line, without its line end, from a thread of the child's own; never concurrently for one stream.
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
  /// nil: the same place as `output`.
  package var errorOutput: Output?
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

  /// The last path component, for messages and thread names.
  package var name: String { String(executable.split(separator: "/").last ?? Substring(executable)) }
}
