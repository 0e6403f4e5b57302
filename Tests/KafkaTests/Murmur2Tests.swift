import Kafka
import Testing

@Suite struct Murmur2Tests {
  /// The vectors of Kafka's own `UtilsTest.testMurmur2`.
  @Test(arguments: [
    ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
    ("a-little-bit-longer-string", -1_486_304_829),
    ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
  ] as [(String, Int32)])
  func agreesWithJava(text: String, expected: Int32) {
    #expect(Int32(bitPattern: Murmur2.hash(Array(text.utf8))) == expected)
  }

  @Test func partitionsAreInRangeAndSpread() {
    var counts = [Int](repeating: 0, count: 12)
    for number in 0..<12_000 { counts[Int(Murmur2.partition(of: Array("store-\(number)".utf8), count: 12))] += 1 }
    #expect(counts.allSatisfy { (700...1_300).contains($0) })
    #expect(Murmur2.partition(of: [], count: 1) == 0)
  }
}
