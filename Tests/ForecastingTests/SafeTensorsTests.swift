import Core
import Foundation
import Tensors
import Testing
import TestSupport

@Suite struct SafeTensorsTests {
  private func file(_ header: String, _ data: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
    let length = length ?? UInt64(header.utf8.count)
    return withUnsafeBytes(of: length.littleEndian) { Array($0) } + Array(header.utf8) + data
  }

  @Test(.timeLimit(.minutes(10))) func readsWhatTheSafetensorsPackageWrites() async throws {
    try await withTemporaryDirectory { folder in
      try await Reference.run("tensors.py", ["\(folder)/file"], python: Reference.environmentPython())
      let file = try SafeTensors(Array(Data(contentsOf: URL(fileURLWithPath: "\(folder)/file"))))
      #expect(file.names == ["a", "b.c", "empty", "scalar"])
      let a = try file.tensor("a", [4, 6])
      #expect((0..<24).allSatisfy { a[$0] == Float($0) / 7 })
      #expect(a[3, 5] == Float(23) / 7)
      let doubles = try file.tensor("b.c", [2])
      #expect(doubles[0] == 1.5 && doubles[1] == -2.25)
      #expect(try file.tensor("empty", [0, 3]).count == 0)
      #expect(try file.tensor("scalar", [])[0] == 3.5)
    }
  }

  @Test func badHeadersAreRefusedWithoutReadingPastTheEnd() {
    let one = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"
    let eight = [UInt8](repeating: 0, count: 8)
    #expect(throws: Never.self) { try SafeTensors(file(one, eight)) }
    func entry(_ dtype: String, _ shape: String, _ offsets: String) -> String {
      "{\"a\":{\"dtype\":\(dtype),\"shape\":\(shape),\"data_offsets\":\(offsets)}}"
    }
    let bad: [(String, [UInt8])] = [
      ("nothing", []), ("a short length", [1, 0, 0]), ("no header", file("", eight)),
      ("a header beyond the end", file(one, eight, length: 1_000)),
      ("a huge header", file(one, eight, length: .max)), ("an overflowing header", file(one, eight, length: 1 << 63)),
      ("no JSON", file("{nonsense", eight)), ("a list", file("[]", eight)), ("a number", file("{\"a\":1}", eight)),
      ("no shape", file("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", eight)),
      ("an unknown type", file(entry("\"I8\"", "[8]", "[0,8]"), eight)),
      ("a negative dimension", file(entry("\"F32\"", "[-2]", "[0,8]"), eight)),
      ("an overflowing shape", file(entry("\"F32\"", "[4611686018427387904,4611686018427387904]", "[0,8]"), eight)),
      ("a shape of zero bytes by overflow", file(entry("\"F32\"", "[4611686018427387904]", "[0,0]"))),
      ("too many dimensions", file(entry("\"F32\"", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), eight)),
      ("a fraction", file(entry("\"F32\"", "[2.5]", "[0,8]"), eight)),
      ("a place beyond the end", file(entry("\"F32\"", "[2]", "[8,16]"), eight)),
      ("an end beyond the end", file(entry("\"F32\"", "[4]", "[0,16]"), eight)),
      ("a place before the start", file(entry("\"F32\"", "[2]", "[-8,0]"), eight)),
      ("an end before its start", file(entry("\"F32\"", "[2]", "[8,0]"), eight)),
      ("one offset", file(entry("\"F32\"", "[2]", "[0]"), eight)),
      ("bytes that the shape does not need", file(entry("\"F32\"", "[1]", "[0,8]"), eight)),
      ("bytes of no tensor", file(one, eight + [0])),
      ("a gap", file("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", eight)),
      ("an overlap", file("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
        + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", eight)),
    ]
    for (what, bytes) in bad {
      let error = #expect(throws: TensorError.self, "\(what)") { try SafeTensors(bytes) }
      #expect(error?.kind == .badWeights, "\(what)")
    }
  }

  @Test func shapesAndNumbersAreChecked() throws {
    let header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"
    let bytes = [Float(1), .nan].flatMap { withUnsafeBytes(of: $0) { Array($0) } }
    let file = try SafeTensors(file(header, bytes))
    for (name, shape) in [("b", [2]), ("a", [1, 2]), ("a", [3]), ("a", [2])] {
      let error = #expect(throws: TensorError.self) { try file.tensor(name, shape) }
      #expect(error?.kind == .badWeights)
    }
  }

  /// 20,000 damaged headers: read or refused, never a crash.
  @Test func damagedFilesAreReadOrRefused() throws {
    let good = file(
      "{\"__metadata__\":{\"x\":\"y\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
        + "\"b\":{\"dtype\":\"F64\",\"shape\":[1,1],\"data_offsets\":[8,16]}}", [UInt8](repeating: 1, count: 16))
    _ = try SafeTensors(good)
    var random = TestRandom("safetensors")
    var refused = 0
    for _ in 0..<20_000 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
      do {
        let file = try SafeTensors(bytes)
        for name in file.names { _ = try? file.tensor(name, [2]) }
      } catch { refused += 1 }
    }
    #expect(refused > 10_000)
  }
}
