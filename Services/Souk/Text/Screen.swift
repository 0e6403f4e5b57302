import Synchronization

import Glibc

/// Standard output with one block of lines that changes, and messages above it.
///
/// On a terminal the block replaces its last state; elsewhere (a CI log, a file) each new state is printed below.
final class Screen: Sendable {
  private struct State {
    var block: [String] = []
    var drawn = 0
  }
  let isTerminal: Bool
  private let write: @Sendable (String) -> Void
  private let state = Mutex(State())

  init(isTerminal: Bool, write: @escaping @Sendable (String) -> Void) {
    self.isTerminal = isTerminal
    self.write = write
  }

  static func standardOutput() -> Screen {
    Screen(isTerminal: isatty(STDOUT_FILENO) == 1) { text in
      print(text, terminator: "")
      fflush(nil)
    }
  }

  /// Prints a permanent line.
  func say(_ text: String = "") {
    state.withLock { state in
      write(erase(&state) + text + "\n" + draw(&state))
    }
  }

  /// Replaces the block. Off a terminal, prints `plain` instead when given.
  func show(_ block: [String], plain: String? = nil) {
    state.withLock { state in
      guard block != state.block else { return }
      if isTerminal {
        let erasure = erase(&state)
        state.block = block
        write(erasure + draw(&state))
      } else {
        state.block = block
        write((plain ?? block.joined(separator: "\n")) + "\n")
      }
    }
  }

  /// Makes the block permanent; later output goes below.
  func settle() {
    state.withLock { state in
      state.drawn = 0
      state.block = []
    }
  }

  private func erase(_ state: inout State) -> String {
    defer { state.drawn = 0 }
    // Up to the first line of the block, then clear to the end of the screen.
    return state.drawn > 0 ? "\u{1b}[\(state.drawn)A\u{1b}[J" : ""
  }

  private func draw(_ state: inout State) -> String {
    guard isTerminal, !state.block.isEmpty else { return "" }
    state.drawn = state.block.count
    return state.block.joined(separator: "\n") + "\n"
  }
}
