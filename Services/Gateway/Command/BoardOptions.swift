import ArgumentParser

/// The flags of the board.
package struct BoardOptions: ParsableArguments {
  /// When there is a board.
  package enum Presence: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// Where only this machine reaches it, or a token is asked for.
    case auto
    case on, off
  }

  @Option(help: ArgumentHelp(
    "Whether there are pages for people at /board; auto: when --api-host is of this machine only or --tokens-file is "
      + "given."))
  package var board = Presence.auto

  package init() {}

  func isOn(host: String, hasTokens: Bool) -> Bool {
    switch board {
    case .on: true
    case .off: false
    case .auto: hasTokens || ["localhost", "::1"].contains(host) || host.hasPrefix("127.")
    }
  }
}
