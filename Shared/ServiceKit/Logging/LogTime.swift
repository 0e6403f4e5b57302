import Core

/// Appends an instant as RFC 3339 in UTC with six decimals, by arithmetic.
func appendRFC3339(microseconds: Int64, to bytes: inout [UInt8]) {
  let (days, rest) = microseconds.flooredDivision(by: 86_400_000_000)
  let date = CivilDate(daysSinceEpoch: days)
  let seconds = Int(rest / 1_000_000)
  appendDigits(date.year, 4, UInt8(ascii: "-"), to: &bytes)
  appendDigits(date.month, 2, UInt8(ascii: "-"), to: &bytes)
  appendDigits(date.day, 2, UInt8(ascii: "T"), to: &bytes)
  appendDigits(seconds / 3_600, 2, UInt8(ascii: ":"), to: &bytes)
  appendDigits(seconds / 60 % 60, 2, UInt8(ascii: ":"), to: &bytes)
  appendDigits(seconds % 60, 2, UInt8(ascii: "."), to: &bytes)
  appendDigits(Int(rest % 1_000_000), 6, UInt8(ascii: "Z"), to: &bytes)
}

private func appendDigits(_ number: Int, _ width: Int, _ end: UInt8, to bytes: inout [UInt8]) {
  var scale = 1
  for _ in 1..<width { scale *= 10 }
  while scale > 0 {
    bytes.append(UInt8(ascii: "0") + UInt8(number / scale % 10))
    scale /= 10
  }
  bytes.append(end)
}
