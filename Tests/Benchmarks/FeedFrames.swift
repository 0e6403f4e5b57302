import Core
import Values

/// Frames of trades as Alpaca writes them, made in advance: what changes from frame to frame are the numbers and the
/// time, which have a fixed width.
struct FeedFrames {
  let symbols: Int
  private var frame: [UInt8]
  /// Where each trade has its symbol's number, its id and its time.
  private var places: [(symbol: Int, id: Int, time: Int)] = []
  private var next: Int

  /// - Parameters:
  ///   - count: trades in a frame.
  ///   - first: the id of the first: a trade that comes again is not published again.
  init(of count: Int, symbols: Int, first: Int = 0) {
    self.symbols = symbols
    next = first
    frame = [UInt8(ascii: "[")]
    for index in 0..<count {
      if index > 0 { frame.append(UInt8(ascii: ",")) }
      let parts = [#"{"T":"t","S":"S"#, #"","i":"#, #","x":"V","p":100.25,"s":100,"c":["@"],"z":"C","t":""#, #""}"#]
      frame += Array(parts[0].utf8)
      let symbol = frame.count
      frame += Array("0000".utf8) + Array(parts[1].utf8)
      let id = frame.count
      frame += Array("1000000000".utf8) + Array(parts[2].utf8)
      places.append((symbol, id, frame.count))
      frame += Array(Self.time(0)) + Array(parts[3].utf8)
    }
    frame.append(UInt8(ascii: "]"))
  }

  static func symbol(_ number: Int) -> String { "S\(zeroPadded(Int64(number), 4))" }

  /// The next trades, round robin over the symbols, all of one time.
  mutating func make(at nanoseconds: Int64) -> [UInt8] {
    let time = Self.time(nanoseconds)
    for place in places {
      write(next % symbols, to: place.symbol, digits: 4)
      // The first digit stays: a number does not begin with a zero.
      write(next, to: place.id + 1, digits: 9)
      frame.replaceSubrange(place.time..<place.time + time.count, with: time)
      next += 1
    }
    return frame
  }

  private mutating func write(_ number: Int, to place: Int, digits: Int) {
    var rest = number
    for offset in stride(from: digits - 1, through: 0, by: -1) {
      frame[place + offset] = UInt8(rest % 10) + 0x30
      rest /= 10
    }
  }

  private static func time(_ nanoseconds: Int64) -> [UInt8] {
    let (seconds, rest) = nanoseconds.flooredDivision(by: 1_000_000_000)
    let whole = Timestamp(microseconds: seconds * 1_000_000)?.description.dropLast() ?? ""
    return Array("\(whole).\(zeroPadded(rest, 9))Z".utf8)
  }
}
