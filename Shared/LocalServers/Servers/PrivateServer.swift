import Core
import Glibc
import Synchronization

/// A server of our own: a process on a free port of 127.0.0.1, and a private folder with its log.
package class PrivateServer: @unchecked Sendable {  // what subclasses add is constant
  package let port: UInt16
  package let folder: PrivateFolder
  private let haltSignal: Int32
  private let child = Mutex<ChildProcess?>(nil)

  init(_ folder: PrivateFolder, haltSignal: Int32 = SIGTERM) throws {
    port = try FreePort.next()
    self.folder = folder
    self.haltSignal = haltSignal
  }

  package var isRunning: Bool { child.withLock { $0?.isRunning == true } }
  var logPath: String { folder.file("log") }

  /// Starts the process, and waits until it answers.
  /// - Throws: `Failure` of class fatal with the end of its log when it does not.
  func run(_ launch: Launch, until isReady: (ChildProcess) async -> Bool) async throws {
    var launch = launch
    launch.workingDirectory = folder.path
    // The words of an earlier run say nothing of this one.
    _ = rename(logPath, logPath + ".before")
    launch.output = .file(logPath)
    let child = try await ChildProcess.start(launch)
    self.child.withLock { $0 = child }
    try await awaitAnswer(of: child, within: .seconds(120), log: logPath) { await isReady(child) }
  }

  /// `SIGSTOP` and `SIGCONT` make an outage.
  package func signal(_ signal: Int32) { child.withLock { $0 }?.kill(signal) }

  /// Ends the server, and keeps its folder for `resume`, which starts it again on the same port.
  /// - Parameter signal: nil: the one for a quick clean end.
  package func halt(signal: Int32? = nil) async {
    await child.withLock { $0 }?.stop(signal: signal ?? haltSignal, grace: .seconds(20))
  }

  /// Ends the server and removes its folder.
  package func stop() async {
    await halt()
    folder.remove()
  }
}
