import CCurl
import Core
import Glibc
import Synchronization

/// The thread that makes every libcurl call: one multi handle, as many transfers as there are requests.
///
/// The rest of the process only appends to the command list and pokes `curl_multi_wakeup`, so a hundred slow
/// portals cost a hundred sockets and no thread.
final class TransferLoop: @unchecked Sendable {
  private enum Command {
    case start(Transfer)
    case resume(UInt64)
    case cancel(UInt64)
  }
  private struct Inbox {
    var commands: [Command] = []
    /// `wakeUp` may be called on the multi handle only until the thread has destroyed it.
    var isOpen = true
    var stopping = false
    var nextID: UInt64 = 0
  }
  private let inbox = Mutex(Inbox())
  private let multi: UnsafeMutableRawPointer
  /// The TLS sessions of all transfers: the data connections of FTP must resume the session of a control connection
  /// that an earlier transfer opened. It has no locks, since only the thread uses it.
  private let sessions: UnsafeMutableRawPointer

  // Only the thread touches these.
  private var transfers: [UInt64: (transfer: Transfer, easy: UnsafeMutableRawPointer)] = [:]
  private var idByEasy: [UnsafeMutableRawPointer: UInt64] = [:]

  init(_ configuration: HTTPConfiguration) throws(HTTPError) {
    try CurlLibrary.start()
    guard let multi = curl_multi_init(), let sessions = curl_share_init() else {
      throw HTTPError(.internalFailure, "libcurl is out of memory")
    }
    self.multi = multi
    self.sessions = sessions
    curl_share_data(sessions, CURL_LOCK_DATA_SSL_SESSION)
    // libcurl's own default grows with the handles in use.
    curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, configuration.maxIdleConnections)
    curl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
    let code = tryStartThread(named: configuration.name) { [self] in run() }
    guard code == 0 else {
      curl_multi_cleanup(multi)
      curl_share_cleanup(sessions)
      throw HTTPError(.internalFailure, "no thread for libcurl: \(String(cString: strerror(code)))")
    }
  }

  // MARK: - from any thread

  func newID() -> UInt64 {
    inbox.withLock { inbox in
      inbox.nextID += 1
      return inbox.nextID
    }
  }

  /// The transfer's body is finished exactly once from here on, whatever happens.
  func start(_ transfer: Transfer) {
    if !send(.start(transfer)) { transfer.finish(HTTPError(.clientClosed, "the HTTP client is closed")) }
  }

  func resume(_ id: UInt64) { _ = send(.resume(id)) }

  /// Ends the transfer with a `CancellationError`; nothing happens when it has ended.
  func cancel(_ id: UInt64) { _ = send(.cancel(id)) }

  /// Ends the thread and every transfer still in flight.
  func stop() {
    inbox.withLock { inbox in
      inbox.stopping = true
      if inbox.isOpen { curl_multi_wakeup(multi) }
    }
  }

  private func send(_ command: Command) -> Bool {
    inbox.withLock { inbox in
      guard inbox.isOpen, !inbox.stopping else { return false }
      // The first command in the inbox has woken the thread.
      if inbox.commands.isEmpty { curl_multi_wakeup(multi) }
      inbox.commands.append(command)
      return true
    }
  }

  // MARK: - the thread

  private func run() {
    while true {
      let (commands, stopping) = inbox.withLock { inbox in
        defer { inbox.commands.removeAll(keepingCapacity: true) }
        return (inbox.commands, inbox.stopping)
      }
      for command in commands { execute(command) }
      if stopping { break }
      var running: Int32 = 0
      var code = curl_multi_perform(multi, &running)
      collectFinished()
      // With nothing in flight only a command can bring work, and it wakes the poll.
      if code == CURLM_OK { code = curl_multi_poll(multi, nil, 0, transfers.isEmpty ? 60_000 : 1_000, nil) }
      if code != CURLM_OK {
        failAll(HTTPError(.internalFailure, "libcurl: \(String(cString: curl_multi_strerror(code)))"))
      }
    }
    close()
  }

  private func execute(_ command: Command) {
    switch command {
    case .start(let transfer): begin(transfer)
    case .resume(let id): transfers[id]?.transfer.resume()
    case .cancel(let id): remove(id)?.finish(CancellationError())
    }
  }

  private func begin(_ transfer: Transfer) {
    // A fresh handle for each: a used one keeps the buffers of a transfer that never connected, and refuses their
    // sizes (`CURLE_BAD_FUNCTION_ARGUMENT`) for ever after. What is worth reusing, connections, resolved names
    // and TLS sessions, belongs to the loop.
    guard let easy = curl_easy_init() else {
      return transfer.finish(HTTPError(.internalFailure, "libcurl is out of memory"))
    }
    if let error = transfer.prepare(easy) {
      curl_easy_cleanup(easy)
      return transfer.finish(error)
    }
    curl_set_pointer(easy, CURLOPT_SHARE, sessions)
    transfers[transfer.id] = (transfer, easy)
    idByEasy[easy] = transfer.id
    let code = curl_multi_add_handle(multi, easy)
    if code != CURLM_OK {
      remove(transfer.id)?.finish(HTTPError(.internalFailure, "libcurl: \(String(cString: curl_multi_strerror(code)))"))
    }
  }

  private func collectFinished() {
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
      let code = message.pointee.data.result
      guard let id = idByEasy[easy] else { continue }
      remove(id)?.finish(code)
    }
  }

  /// Takes the transfer off the multi handle; none of its callbacks runs after this.
  private func remove(_ id: UInt64) -> Transfer? {
    guard let (transfer, easy) = transfers.removeValue(forKey: id) else { return nil }
    idByEasy[easy] = nil
    curl_multi_remove_handle(multi, easy)
    curl_easy_cleanup(easy)
    return transfer
  }

  private func failAll(_ error: any Error) {
    for id in Array(transfers.keys) { remove(id)?.finish(error) }
  }

  private func close() {
    let error = HTTPError(.clientClosed, "the HTTP client is closed")
    // Commands that came since the inbox was last read: a task waits for each of their transfers.
    let late = inbox.withLock { inbox in
      inbox.isOpen = false
      defer { inbox.commands = [] }
      return inbox.commands
    }
    for case .start(let transfer) in late { transfer.finish(error) }
    failAll(error)
    curl_multi_cleanup(multi)
    curl_share_cleanup(sessions)
  }
}
