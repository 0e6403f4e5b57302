import EGXProducerService
import Foundation
import Schemas
import TestSupport
import Testing

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
    }
  }

  @Test(arguments: [1, 2, 3, 7, 1_000]) func severalFramesInAnyPieces(_ chunk: Int) throws {
    let payloads = ["{\"m\":\"a\"}", "~h~17", "", "{\"d\":\"بنك 🏦 مصر\"}", String(repeating: "é", count: 300)]
    let stream = payloads.map { "~m~\($0.utf16.count)~m~\($0)" }.joined()
    let read = try frames(stream, chunk: chunk)
    #expect(read.map(text) == payloads)
    #expect(read[1] == .heartbeat(Array("~h~17".utf8)))
  }

  @Test(arguments: [
    "~m~3~m~{}~m~2~m~{}", "~m~1~m~{}", "~x~2~m~{}", "~m~~m~{}", "~m~-1~m~{}", "~m~99999999999~m~", "~m~2000000~m~x",
    "~m~1~m~🏦", "~m~2x~m~{}", "{}", "~m~9~m~~h~~m~1~m", "~m~5~m~~h~1x",
  ]) func wrongFramesAreRefused(_ stream: String) {
    #expect(throws: FrameDecoder.Malformed.self) { try frames(stream) }
  }

  @Test func notUTF8IsRefused() {
    var decoder = FrameDecoder(maxPayload: 100)
    decoder.feed(Array("~m~3~m~".utf8) + [0xff, 0x20, 0x20])
    #expect(throws: FrameDecoder.Malformed.self) { _ = try decoder.next() }
  }

  @Test func rubbishNeverTraps() {
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

  @Test func serverMessagesSayWhatTheyMean() throws {
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
    #expect(
      try read(#"{"m":"study_error","p":["cs_a","st1","unknown study"]}"#)
        == .seriesError(session: "cs_a", text: "study_error, st1, unknown study"))
    #expect(try read(#"{"m":"protocol_error","p":["bad auth token"]}"#) == .protocolError(text: "bad auth token"))
    #expect(
      try read(#"{"m":"series_completed","p":["cs_a","s1","streaming","s1",{"data_completed":"end"}]}"#)
        == .seriesCompleted(session: "cs_a", mode: "streaming", end: true))
    #expect(try read(#"{"session_id":"x"}"#) == .hello)
    #expect(throws: DecodingFailure.self) { try read(String(repeating: "[", count: 5_000)) }
    #expect(throws: DecodingFailure.self) { try read("{\"m\":\"du\",\"p\":[") }
  }
}
