import Synchronization

import Glibc

/// Standard output as the place of one block of lines that changes, with messages above it.
///
/// On a terminal the block is drawn over its last state; elsewhere (a CI log, a file) each state that differs is
/// printed once, below the last.
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

  /// A line that stays.
  func say(_ text: String = "") {
    state.withLock { state in
      write(erase(&state) + text + "\n" + draw(&state))
    }
  }

  /// What is being waited for or counted: replaces the block. Off a terminal, `plain` is printed instead when given.
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

  /// The block, as it is, stays; what comes goes below.
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
