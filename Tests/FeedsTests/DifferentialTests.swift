import Core
import Feeds
import Foundation
import Messages
import Testing

/// Against Python's `json` and `msgpack`: random frames, and what they say by another program.
@Suite(.enabled(if: Frames.isThere, ".souk/venv/bin/python has no msgpack (make deps)"))
struct DifferentialTests {
  @Test(.timeLimit(.minutes(10)), arguments: ["polygon", "alpaca", "alpaca-packed"])
  func everyEventIsReadAsItIs(_ form: String) throws {
    let seed = UInt64.random(in: 0...0xffff_ffff)
    let frames = try Frames.made(form, seed: seed, count: 400)
    #expect(frames.count == 400)
    var polygon = PolygonDecoder(.polygonStocks)
    var alpaca = AlpacaDecoder(.alpacaStocks)
    for frame in frames {
      var seen = Seen()
      if form == "polygon" {
        polygon.decode(frame.bytes.span.bytes, knownNs: Frames.knownNs, to: &seen)
      } else {
        alpaca.decode(
          frame.bytes.span.bytes, isPacked: form == "alpaca-packed", knownNs: Frames.knownNs, to: &seen)
      }
      #expect(seen.messages == frame.messages, "seed \(seed)")
      #expect(seen.failures.isEmpty, "seed \(seed)")
      // What was written is read back to the same bytes.
      for text in seen.messages {
        let bytes = Array(text.utf8)
        let again = text.hasPrefix("{\"kind\"")
          ? try FeedTick(decoding: bytes).encoded() : try FeedBar(decoding: bytes).encoded()
        #expect(again == bytes, "seed \(seed)")
      }
    }
  }

  /// No cut of a frame takes the process down, and none gives an event that the whole frame does not have.
  @Test(.timeLimit(.minutes(10)), arguments: ["polygon", "alpaca", "alpaca-packed"])
  func cutFramesLoseOnlyTheirEnd(_ form: String) throws {
    let seed = UInt64.random(in: 0...0xffff_ffff)
    for frame in try Frames.made(form, seed: seed, count: 5) {
      var polygon = PolygonDecoder(.polygonStocks)
      var alpaca = AlpacaDecoder(.alpacaStocks)
      for end in 0..<frame.bytes.count {
        var seen = Seen()
        let cut = Array(frame.bytes[..<end])
        if form == "polygon" {
          polygon.decode(cut.span.bytes, knownNs: Frames.knownNs, to: &seen)
        } else {
          alpaca.decode(cut.span.bytes, isPacked: form == "alpaca-packed", knownNs: Frames.knownNs, to: &seen)
        }
        #expect(seen.failures.count == 1, "seed \(seed), cut at \(end)")
        #expect(frame.messages.starts(with: seen.messages), "seed \(seed), cut at \(end)")
      }
    }
  }
}

/// What a decoder gave, as the messages that would be published.
struct Seen: FeedVisitor {
  var messages: [String] = []
  var controls: [FeedControl] = []
  var failures: [DecodingFailure] = []
  var identities: [UInt64] = []
  var ignored = 0

  mutating func take(_ tick: FeedTickView) {
    var writer = JSONWriter()
    tick.encode(into: &writer)
    messages.append(String(decoding: writer.array(), as: UTF8.self))
    identities.append(tick.identity)
  }
  mutating func take(_ bar: FeedBarView) {
    var writer = JSONWriter()
    bar.encode(into: &writer)
    messages.append(String(decoding: writer.array(), as: UTF8.self))
  }
  mutating func take(_ control: FeedControl) { controls.append(control) }
  mutating func refuse(_ failure: DecodingFailure) { failures.append(failure) }
  mutating func ignore() { ignored += 1 }
}

struct Frames {
  var bytes: [UInt8]
  var messages: [String]

  static let knownNs: Int64 = 1_764_600_000_123_456_789
  private static let python = ".souk/venv/bin/python"

  static let isThere: Bool = (try? run(["-c", "import msgpack"])) != nil

  static func made(_ form: String, seed: UInt64, count: Int) throws -> [Frames] {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("make_frames.py")
    return try run([script.path, form, "\(seed)", "\(count)"]).split(separator: "\n").map { line in
      let parts = line.split(separator: "\t")
      let bytes = stride(from: 0, to: parts[0].utf8.count, by: 2).compactMap { place -> UInt8? in
        let start = parts[0].utf8.index(parts[0].startIndex, offsetBy: place)
        return UInt8(parts[0][start..<parts[0].utf8.index(start, offsetBy: 2)], radix: 16)
      }
      return Frames(bytes: bytes, messages: try JSONDecoder().decode([String].self, from: Data(parts[1].utf8)))
    }
  }

  private struct Failed: Error {}

  @discardableResult
  private static func run(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: python)
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failed() }
    return text
  }
}
