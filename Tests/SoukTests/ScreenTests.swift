import Synchronization
import Testing

@testable import Operations
@testable import SoukService

@Suite struct ScreenTests {
  /// The contents of a terminal: only the two escape sequences of the screen are supported.
  private final class Terminal: Sendable {
    let text = Mutex("")

    func screen(isTerminal: Bool) -> Screen {
      Screen(isTerminal: isTerminal) { written in self.text.withLock { $0 += written } }
    }

    var lines: [String] {
      var lines: [String] = [""]
      var rest = text.withLock { $0 }[...]
      while let character = rest.first {
        rest = rest.dropFirst()
        if character == "\u{1b}" {
          let up = Int(rest.dropFirst().prefix { $0.isNumber }) ?? 0
          let sequence = rest.prefix { $0 != "J" && $0 != "A" }
          let command = rest[sequence.endIndex]
          rest = rest[sequence.endIndex...].dropFirst()
          if command == "A" { lines.append("cursor up \(up)") }
          if command == "J", let marker = lines.popLast(), marker.hasPrefix("cursor up "),
            let count = Int(marker.dropFirst(10)) {
            lines.removeLast(count + 1)
            lines.append("")
          }
        } else if character == "\n" {
          lines.append("")
        } else {
          lines[lines.count - 1].append(character)
        }
      }
      return Array(lines.dropLast())
    }
  }

  @Test func aTerminalShowsTheLastBlockBelowAllMessages() {
    let terminal = Terminal()
    let screen = terminal.screen(isTerminal: true)
    screen.say("first")
    screen.show(["a 1", "b 1"])
    screen.show(["a 2", "b 2", "c 2"])
    screen.say("second")
    screen.show(["a 3"])
    #expect(terminal.lines == ["first", "second", "a 3"])
    screen.settle()
    screen.say("third")
    #expect(terminal.lines == ["first", "second", "a 3", "third"])
  }

  @Test func aLogGetsEachStateOnce() {
    let terminal = Terminal()
    let screen = terminal.screen(isTerminal: false)
    screen.show(["a 1", "b 1"], plain: "a 1, b 1")
    screen.show(["a 1", "b 1"], plain: "a 1, b 1")
    screen.say("said")
    screen.show(["a 2", "b 1"], plain: "a 2, b 1")
    screen.show(["whole", "table"])
    #expect(terminal.lines == ["a 1, b 1", "said", "a 2, b 1", "whole", "table"])
  }
}
