import Core
import Messages
import Values

/// `replay:`: recorded bars as if they arrived now, in order of time over all symbols.
package struct ReplaySource: BarSource {
  let folder: BarFolder
  /// Seconds of the recording per second; 0: without waiting.
  let speed: Double
  /// Longest wait between two bars, to shorten nights.
  var longestPause: Duration = .seconds(5)
  let drain: Interruption

  package var label: String { "replay:\(folder.path)" }
  package var isLive: Bool { true }
  /// Bars of one symbol per delivery when there is no pause between them.
  private static let batch = 512

  package func fetch(_ requests: [BarRequest], deliver: Delivery) async throws {
    var players: [Player] = []
    for request in requests {
      do {
        var player = try Player(symbol: request.symbol, file: try folder.bars(of: request.symbol))
        if try player.advance() { players.append(player) }
      } catch {
        try await deliver(request.symbol, .failure(error))
      }
    }
    // By the time of the next bar; the earliest first.
    var heap = players
    heap.sort { $0.time < $1.time }
    var clock: Int64?
    while !heap.isEmpty, !drain.isRaised {
      let time = heap[0].time
      if speed > 0, let before = clock, time > before {
        let pause = min(.seconds(Double(time - before) / speed), longestPause)
        if await drain.sleep(for: pause) { return }
      }
      clock = time
      // All bars of this instant; without waiting, those of the first symbol until another symbol's next bar.
      var player = heap.removeFirst()
      let limit = speed > 0 ? time : heap.first?.time ?? .max
      var bars: [SourceBar] = []
      var failure: SourceError?
      repeat {
        bars.append(player.bar)
        do {
          if try !player.advance() {
            player.isFinished = true
            break
          }
        } catch {
          failure = error
          player.isFinished = true
          break
        }
      } while player.time <= limit && bars.count < Self.batch
      let lost = player.isFinished ? player.lost : Losses()
      try await deliver(player.symbol, .success(BarAnswer(bars: bars, lost: lost)))
      if let failure { try await deliver(player.symbol, .failure(failure)) }
      if !player.isFinished {
        let place = heap.firstIndex { $0.time > player.time } ?? heap.count
        heap.insert(player, at: place)
      }
    }
  }

  private struct Player {
    let symbol: String
    private var file: CSVBars
    /// Of a file whose newest bar is its first line: all its bars, in reverse order of time.
    private var sorted: [SourceBar]?
    private(set) var bar = SourceBar(
      time: 0, candle: .init(open: .zero, high: .zero, low: .zero, close: .zero, volume: nil))
    var isFinished = false
    var time: Int64 { bar.time }
    var lost: Losses { file.lost }

    init(symbol: String, file: CSVBars) throws(SourceError) {
      self.symbol = symbol
      self.file = file
      var ahead = file
      guard let first = try ahead.next(), let second = try ahead.next(), second.time < first.time else { return }
      var bars = [first, second]
      while let bar = try ahead.next() { bars.append(bar) }
      sorted = bars.sorted { $0.time > $1.time }
      self.file = ahead
    }

    /// - Returns: false at the end.
    mutating func advance() throws(SourceError) -> Bool {
      guard let next = try sorted == nil ? file.next() : sorted?.popLast() else { return false }
      bar = next
      return true
    }
  }
}
