import Messages
import Testing
import Values

@Suite struct SeriesWindowTests {
  private static let window = SeriesWindow(
    group: "inference-worker-polymer", kind: .price, series: RoutingKey("mena.egypt.polymer.pvc")!,
    measures: [.init(currency: "EGP", unit: "t"), .init(currency: nil, unit: nil)],
    points: [
      .init(observedAt: 3_600_000_000, value: ExactDecimal("12.90")!, offset: 7, stamp: 3_600_050),
      .init(observedAt: 3_600_000_000, value: ExactDecimal("12.95")!, offset: 9, stamp: 3_600_090),
      .init(observedAt: 7_200_000_000, value: ExactDecimal("-3")!, offset: 8, stamp: -1, measure: 1),
    ])

  @Test func itsBytesAreFixed() {
    #expect(String(decoding: Self.window.encoded(), as: UTF8.self) == """
      {"group":"inference-worker-polymer","kind":"price","series":"mena.egypt.polymer.pvc",\
      "measures":[["EGP","t"],[null,null]],"points":[[3600000000,12.90,7,3600050,0],[0,12.95,2,40,0],\
      [3600000000,-3,-1,-3600091,1]]}
      """)
    #expect(String(decoding: Self.window.key, as: UTF8.self) == "inference-worker-polymer/price/mena.egypt.polymer.pvc")
    #expect(Self.window.partitionKey == Array("mena.egypt.polymer.pvc".utf8))
  }

  @Test func readingGivesWhatWasWritten() throws {
    let read = try SeriesWindow(decoding: Self.window.encoded())
    #expect(read == Self.window)
    #expect(read.points[0].value.hasSameDigits(as: ExactDecimal("12.90")!))
  }

  @Test(arguments: [
    #"[[1,2,3,4]]"#, #"[[1,2,3,4,2]]"#, #"[[1,2,3,4,-1]]"#, #"[[1,"x",3,4,0]]"#, #"[[9223372036854775807,1,1,1,0]]"#,
    #"[[1,2,9223372036854775807,4,0],[1,2,1,4,0]]"#, #"{}"#,
  ])
  func malformedWindowsAreRefused(points: String) {
    let text = #"{"group":"g","kind":"price","series":"a.b.polymer.c","measures":[["E","t"]],"points":"# + points + "}"
    #expect(throws: DecodingFailure.self) { try SeriesWindow(decoding: Array(text.utf8)) }
  }
}
