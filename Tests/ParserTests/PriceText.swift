import Compression

/// Small price files for the service's tests.
enum PriceText {
  static func file(rows: Int) -> [UInt8] {
    var text = "<Root><ChainId>7290058140886</ChainId><SubChainId>001</SubChainId><StoreId>029</StoreId><Items>\n"
    for index in 0..<rows {
      text += """
        <Item><PriceUpdateDate>2023-10-01 08:00</PriceUpdateDate>\
        <ItemCode>\(index == 0 ? "7290000149844" : "\(1_000 + index)")</ItemCode>\
        <ItemName>חלב &quot;טרי&quot;</ItemName><UnitQty>ליטר</UnitQty><Quantity>1.00</Quantity>\
        <bIsWeighted>0</bIsWeighted><UnitOfMeasure>ליטר</UnitOfMeasure><ItemPrice>6.90</ItemPrice>\
        <UnitOfMeasurePrice>6.9000</UnitOfMeasurePrice></Item>

        """
    }
    return Array((text + "</Items></Root>").utf8)
  }

  static func windows1255(_ utf8: [UInt8]) -> [UInt8] {
    String(decoding: utf8, as: UTF8.self).unicodeScalars.map { scalar in
      scalar.value < 0x80 ? UInt8(scalar.value) : UInt8(truncatingIfNeeded: scalar.value &- 0x5D0 &+ 0xE0)
    }
  }

  static func gzipped(_ bytes: [UInt8]) -> [UInt8] { Deflate.gzip(bytes) ?? [] }
}
