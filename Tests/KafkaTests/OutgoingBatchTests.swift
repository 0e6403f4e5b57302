import Testing

@testable import Kafka

@Suite struct OutgoingBatchTests {
  @Test func aBorrowedValueIsAsLongAsItWasWhateverElseTheRecordHas() {
    let value = Array("{\"value\":1}".utf8)
    var batch = OutgoingBatch()
    batch.append(topic: "t", key: Array("key".utf8), value: value.span.bytes, partitionBy: Array("routing".utf8))
    batch.append(topic: "t", key: nil, value: value.span.bytes)
    batch.append(topic: "t", key: Array("key".utf8), value: value, partitionBy: Array("routing".utf8))
    for item in batch.items {
      #expect(Array(batch.bytes[item.value.start..<(item.value.start + item.value.count)]) == value)
    }
    #expect(batch.items.map(\.key.count) == [3, -1, 3])
  }
}
