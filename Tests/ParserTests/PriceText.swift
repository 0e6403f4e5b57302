import CZlib

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

  static func gzipped(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    var input = bytes
    var output = [UInt8](repeating: 0, count: bytes.count + 1024)
    let room = output.count
    let count = input.withUnsafeMutableBufferPointer { source in
      output.withUnsafeMutableBufferPointer { target in
        deflateInit2_(
          &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        stream.next_in = source.baseAddress
        stream.avail_in = UInt32(source.count)
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(room)
        deflate(&stream, Z_FINISH)
        deflateEnd(&stream)
        return room - Int(stream.avail_out)
      }
    }
    return Array(output[..<count])
  }
}
