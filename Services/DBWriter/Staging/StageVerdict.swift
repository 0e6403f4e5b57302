import Schemas

/// What became of one message.
package enum StageVerdict: Hashable, Sendable {
  /// All its items will be written by the next flush.
  case staged
  /// Nothing to write, and nothing wrong.
  case skipped(reason: String)
  /// Something in it cannot be stored; what can, will be.
  case rejected(StageRejection)
}

/// Why a message, or some of its items, cannot be stored. Never holds a value of the message.
package struct StageRejection: Hashable, Sendable {
  /// `snake_case`; the dead letter's error code.
  package let code: String
  package let message: String
  /// Items of the same message that will be written.
  package let kept: Int
  /// Items that will not; 0 when the message could not be read at all.
  package let refused: Int
}

extension StageRejection {
  /// The whole message is refused.
  init(message failure: DecodingFailure) {
    self.init(code: failure.code, message: "\(failure)", kept: 0, refused: 0)
  }

  /// Some items are refused; `first` is the first of them.
  init(first: DecodingFailure, refused: Int, kept: Int) {
    let text = "\(refused) of \(refused + kept) items refused, the others are written; the first: \(first)"
    self.init(code: first.code, message: text, kept: kept, refused: refused)
  }
}
