import Archiving
import Core
import Messages
import Values

/// Reads where a bar of the exchange belongs. Its clocks are the exchange's: `datetime`, else `observed_at` as written.
package final class BarAddresser: RecordAddresser {
  private var decoder: MarketBarDecoder

  package init(limits: JSONReader.Limits) { decoder = MarketBarDecoder(limits: limits) }

  package func address(
    of message: RawSpan, key: RawSpan?, stamp: Int64, symbol: inout [UInt8]
  ) throws(DecodingFailure) -> RecordAddress {
    let address = try decoder.address(of: message)
    symbol.removeAll(keepingCapacity: true)
    symbol.append(contentsOf: address.symbol.utf8)
    let datetime = address.datetime
    return RecordAddress(
      day: datetime.day.number, microsecondsOfDay: datetime.microsecondsOfDay,
      nanoseconds: datetime.microseconds.multipliedReportingOverflow(by: 1_000).partialValue)
  }
}
