import Core

/// `csv:`: the latest bars of files that another program writes.
package struct CSVSource: BarSource {
  let folder: BarFolder
  let clock: ExchangeClock

  package var label: String { "csv:\(folder.path)" }
  package var isLive: Bool { false }

  package func fetch(_ requests: [BarRequest], deliver: Delivery) async throws {
    for request in requests {
      try Task.checkCancellation()
      let answer: Result<BarAnswer, SourceError>
      do { answer = .success(try read(request)) } catch {
        if error.isTransient { throw error }
        answer = .failure(error)
      }
      try await deliver(request.symbol, answer)
    }
  }

  private func read(_ request: BarRequest) throws(SourceError) -> BarAnswer {
    var file = try folder.bars(of: request.symbol)
    var bars: [SourceBar] = []
    while let bar = try file.next() { bars.append(bar) }
    bars.sort { $0.time < $1.time }
    var start = max(0, bars.count - request.count)
    if let back = request.reachBackTo {
      start = min(start, bars.firstIndex { clock.position($0, request.interval) >= back } ?? bars.count)
    }
    return BarAnswer(bars: Array(bars[start...]), lost: file.lost)
  }
}
