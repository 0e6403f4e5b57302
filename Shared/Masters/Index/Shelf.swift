/// The masters of one size. Products of different sizes are different products, so a name is only looked for on the
/// shelf of its size; the last shelf holds what says no size.
final class Shelf {
  struct Member: BitwiseCopyable {
    /// Of the master in the store; `.max` when vacant.
    var master: UInt32
    /// Of its words, the first in the store's run.
    var tokens: UInt32
    var tokenCount: UInt32
  }
  let number: UInt32
  var members = GrowingArray<Member>(capacity: 4)
  /// Members in use.
  private(set) var count = 0
  private var vacant: [UInt32] = []

  init(number: UInt32) { self.number = number }

  @inline(__always)
  func key(_ gram: UInt32) -> UInt64 { UInt64(number + 1) << 32 | UInt64(gram) }

  func add(_ master: UInt32, tokens: UInt32, count tokenCount: Int) -> UInt32 {
    count += 1
    let member = Member(master: master, tokens: tokens, tokenCount: UInt32(tokenCount))
    if let place = vacant.popLast() {
      members[Int(place)] = member
      return place
    }
    members.append(member)
    return UInt32(members.count - 1)
  }

  func remove(_ place: UInt32) {
    count -= 1
    members[Int(place)].master = .max
    vacant.append(place)
  }

  var byteCount: Int { members.byteCount + vacant.capacity * 4 + 96 }
}
