@testable import EGXProducerService
import Foundation
import Messages
import Testing
import TestSupport

@Suite struct FrameTests {
  private func frames(_ text: String, chunk: Int = .max, limit: Int = 1 << 20) throws -> [FrameDecoder.Frame] {
    var decoder = FrameDecoder(maxPayload: limit)
    var frames: [FrameDecoder.Frame] = []
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      decoder.feed(bytes.prefix(chunk))
      bytes = bytes.dropFirst(min(chunk, bytes.count))
      while let frame = try decoder.next() { frames.append(frame) }
    }
    #expect(decoder.pendingBytes == 0)
    return frames
  }

  private func text(_ frame: FrameDecoder.Frame) -> String {
    switch frame {
    case .heartbeat(let bytes), .message(let bytes): String(decoding: bytes, as: UTF8.self)
    case .unreadable: "(unreadable)"
    }
  }

  @Test(arguments: [1, 2, 3, 7, 1_000]) func severalFramesAreReadFromAnyPieces(_ chunk: Int) throws {
    let payloads = ["{\"m\":\"a\"}", "~h~17", "", "{\"d\":\"بنك 🏦 مصر\"}", String(repeating: "é", count: 300)]
    let stream = payloads.map { "~m~\($0.utf16.count)~m~\($0)" }.joined()
    let read = try frames(stream, chunk: chunk)
    #expect(read.map(text) == payloads)
    #expect(read[1] == .heartbeat(Array("~h~17".utf8)))
  }

  /// After a wrong length, a broken mark or an invalid number the rest is still read.
  @Test(arguments: [
    ("~m~3~m~{}", 0), ("~m~1~m~{}", 0), ("~x~2~m~{}", 0), ("~m~~m~{}", 0), ("~m~-1~m~{}", 0), ("~m~99999999999~m~", 0),
    ("~m~2000000~m~x", 0), ("~m~1~m~🏦", 0), ("~m~2x~m~{}", 0), ("{}", 0), ("~m~9~m~~h~~m~1~m", 0),
    ("~m~5~m~~h~1x", 0), ("~m~90~m~{}", 0), ("~m~", 0), ("~m~2~m~[]rubbish", 0), ("~m~2~m~[]~m~7~m~rubbish!", 1),
  ], [7, 1_000])
  func aWrongFrameIsLostAlone(_ wrong: (stream: String, good: Int), _ chunk: Int) throws {
    let read = try frames(wrong.stream + "~m~10~m~{\"m\":\"ok\"}~m~4~m~~h~8", chunk: chunk)
    #expect(Array(read.suffix(2)) == [.message(Array("{\"m\":\"ok\"}".utf8)), .heartbeat(Array("~h~8".utf8))])
    #expect(read.count { if case .unreadable = $0 { true } else { false } } >= 1, "\(read.map(text))")
    #expect(read.dropLast(2).count { if case .message = $0 { true } else { false } } == wrong.good)
  }

  @Test func invalidUTF8IsLostAlone() throws {
    var decoder = FrameDecoder(maxPayload: 100)
    decoder.feed(Array("~m~3~m~".utf8) + [0xff, 0x20, 0x20] + Array("~m~2~m~[]".utf8))
    #expect(try decoder.next() == .unreadable("a frame that is not UTF-8"))
    #expect(try decoder.next() == .message(Array("[]".utf8)))
  }

  @Test func aStreamWithoutFramesIsGivenUp() {
    var decoder = FrameDecoder(maxPayload: 1_000)
    #expect(throws: FrameDecoder.Malformed.self) {
      for _ in 0..<100 {
        decoder.feed(Array("nothing but words ".utf8))
        while try decoder.next() != nil {}
      }
    }
    #expect(decoder.pendingBytes < 2_000)
  }

  @Test func randomBytesNeverTrap() {
    var random = TestRandom("frames")
    let alphabet = Array("~mh0123456789{}\"".utf8) + [0xd8, 0xf0, 0x9f, 0xff, 0xc3]
    for _ in 0..<2_000 {
      var decoder = FrameDecoder(maxPayload: 1_000)
      var stream: [UInt8] = Bool.random(using: &random) ? Array("~m~4~m~".utf8) : []
      for _ in 0..<Int.random(in: 0..<40, using: &random) { stream.append(alphabet.randomElement(using: &random)!) }
      decoder.feed(stream)
      while let frame = try? decoder.next() {
        if case .message(let payload) = frame { _ = try? ServerMessage(parsing: payload, maxBytes: 1_000) }
      }
    }
  }

  @Test func clientFramesAreThoseOfTheProtocol() {
    func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    #expect(
      text(ClientMessage.setAuthToken("unauthorized_user_token"))
        == #"~m~54~m~{"m":"set_auth_token","p":["unauthorized_user_token"]}"#)
    #expect(
      text(ClientMessage.createSession("cs_abcdefghijkl"))
        == #"~m~55~m~{"m":"chart_create_session","p":["cs_abcdefghijkl",""]}"#)
    #expect(
      text(ClientMessage.resolve("EGX:COMI", "cs_abcdefghijkl"))
        == #"~m~136~m~{"m":"resolve_symbol","p":["cs_abcdefghijkl","symbol_1","={\"symbol\":\"EGX:COMI\","#
        + #"\"adjustment\":\"splits\",\"session\":\"regular\"}"]}"#)
    #expect(
      text(ClientMessage.createSeries("cs_abcdefghijkl", resolution: "1D", count: 10))
        == #"~m~74~m~{"m":"create_series","p":["cs_abcdefghijkl","s1","s1","symbol_1","1D",10]}"#)
    #expect(
      text(ClientMessage.switchTimezone("cs_abcdefghijkl"))
        == #"~m~58~m~{"m":"switch_timezone","p":["cs_abcdefghijkl","exchange"]}"#)
  }

  @Test func anUnreadableBarIsLostAlone() throws {
    let bars = [
      #"{"i":0,"v":[1,1,2,1,"x",5]}"#, #"{"i":1,"v":[86400,1,2,1,2,5]}"#, #"{"v":[2,{},1,1,1]}"#, "7", "[1]",
      #"{"i":2,"v":["soon",1,1,1,1]}"#, #"{"i":3,"v":[172800,1,2,1,"1.50",5]}"#, #"{"v":null}"#,
      #"{"v":[259200,1,2,1,0.1000000000000000055511151231257827,5]}"#,
    ]
    let text = #"{"m":"du","p":["cs_a",{"s1":{"s":["# + bars.joined(separator: ",") + "]}}]}"
    let message = try ServerMessage(parsing: Array(text.utf8), maxBytes: 1 << 20)
    guard case .bars("cs_a", let read, true, let lost) = message else {
      Issue.record("\(message)")
      return
    }
    #expect(read.map { "\($0.time) \($0.candle.close)" } == ["86400 2", "172800 1.50", "259200 0.1"])
    #expect(lost.count == 6)
    #expect(lost.first?.hasPrefix("bar 1 ") == true)
  }

  @Test func serverMessagesAreClassified() throws {
    func read(_ text: String) throws -> ServerMessage {
      try ServerMessage(parsing: Array(text.utf8), maxBytes: 1 << 20)
    }
    let update = try read(
      #"{"p":["cs_a",{"s1":{"node":"n","s":[{"i":0,"v":[1.7550432e9,90.5,91.2,90.1,90.8,1600086.0]},"#
        + #"{"i":1,"v":[1755129600.0,90.8,91.9,90.6,91.5]},{"i":2,"v":[1,null,2,3,4]}],"t":"s1"}},{"i":1}],"#
        + #""t":1,"m":"du"}"#)
    #expect(
      update == .bars(
        session: "cs_a",
        [bar(1_755_043_200, "90.5", "91.2", "90.1", "90.8", "1600086"),
         bar(1_755_129_600, "90.8", "91.9", "90.6", "91.5", nil)], isUpdate: true))
    #expect(
      try read(#"{"m":"symbol_error","p":["cs_a","symbol_1","invalid symbol"]}"#)
        == .symbolError(session: "cs_a", text: "invalid symbol"))
    #expect(
      try read(#"{"m":"series_error","p":["cs_a","s1","s1","resolve error"]}"#)
        == .seriesError(session: "cs_a", text: "resolve error"))
    #expect(
      try read(#"{"m":"critical_error","p":["cs_a","invalid_parameters","x"]}"#)
        == .criticalError(session: "cs_a", text: "invalid_parameters, x"))
    #expect(try read(#"{"m":"study_error","p":["cs_a","st1","unknown study"]}"#) == .other("study_error"))
    #expect(
      try read(#"{"m":"quota_error","p":["cs_a","s1","too many"]}"#)
        == .seriesError(session: "cs_a", text: "quota_error, s1, too many"))
    #expect(try read(#"{"m":"protocol_error","p":["bad auth token"]}"#) == .protocolError(text: "bad auth token"))
    #expect(
      try read(#"{"m":"series_completed","p":["cs_a","s1","streaming","s1",{"data_completed":"end"}]}"#)
        == .seriesCompleted(session: "cs_a", mode: "streaming", end: true))
    #expect(try read(#"{"session_id":"x"}"#) == .hello)
    #expect(throws: DecodingFailure.self) { try read(String(repeating: "[", count: 5_000)) }
    #expect(throws: DecodingFailure.self) { try read("{\"m\":\"du\",\"p\":[") }
  }
}
