import Values

/// The bodies, in the shapes that the providers document.
struct ProviderAnswer {
  let market: SimulatedMarket
  let kind: SeriesKind
  let material: String
  let country: String
  let currency: String?
  let unit: String?
  let time: Timestamp
  let count: Int
  let mode: Misbehaviour.Mode?

  /// The values, changed by the active fault.
  private var points: [(time: Timestamp, value: String)] {
    let shift: Int64 = mode == .future ? 2 * 86_400_000_000 : 0
    return market.points(kind, material: material, country: country, currency: currency, at: time, count: count)
      .map { point in
        let value =
          switch mode {
          case .poison: "\(point.value.mantissa * 1_000)"
          case .negative: "-\(point.value)"
          case .zero: "0"
          case .notANumber: "NaN"
          default: "\(point.value)"
          }
        return (Timestamp(microseconds: point.time.microseconds + shift) ?? point.time, value)
      }
  }

  private static func seconds(_ time: Timestamp) -> Int64 { time.microseconds / 1_000_000 }

  /// `/v8/finance/chart/<symbol>`: bars are named by their opening, one step before their close.
  func yahoo(symbol: String) -> String {
    let points = points
    let last = points.last
    let (minutes, isWhole) = (market.step / 60, market.step % 60 == 0)
    let span = isWhole ? "\"dataGranularity\":\"\(minutes % 60 == 0 ? "\(minutes / 60)h" : "\(minutes)m")\"," : ""
    let shown = mode == .wrongUnit ? "XAU" : currency ?? "USD"
    return """
      {"chart":{"result":[{"meta":{"currency":"\(shown)","symbol":"\(Self.escaped(symbol))",\
      "exchangeName":"SIM","instrumentType":"FUTURE","gmtoffset":0,"timezone":"UTC",\
      "regularMarketTime":\(last.map { Self.seconds($0.time) } ?? 0),\
      "regularMarketPrice":\(last?.value ?? "null"),\(span)"range":"1d"},\
      "timestamp":[\(points.map { "\(Self.seconds($0.time) - market.step)" }.joined(separator: ","))],\
      "indicators":{"quote":[{"close":[\(points.map(\.value).joined(separator: ","))]}]}}],"error":null}}
      """
  }

  static let yahooUnknown = """
    {"chart":{"result":null,"error":{"code":"Not Found","description":"No data found, symbol may be delisted"}}}
    """

  /// `/query?function=<commodity>`: the newest first, values in quotes.
  func alphaVantage(name: String) -> String {
    let rows = points.reversed().map { "{\"date\":\"\($0.time)\",\"value\":\"\($0.value)\"}" }
    let unit = mode == .wrongUnit ? "dollar per pound" : "dollar per metric ton"
    return """
      {"name":"\(Self.escaped(name))","interval":"hourly","unit":"\(unit)","data":[\(rows.joined(separator: ","))]}
      """
  }

  /// With status 200 for every query.
  static let wrongKey = """
    {"Error Message": "the parameter apikey is invalid or missing. Please claim your free API key on \
    (https://provider.example/key)."}
    """
  static let quota = "{\"Information\": \"Our standard API rate limit is 25 requests per day.\"}"

  static let alphaVantageUnknown = "{\"Error Message\":\"Invalid API call. Please retry or visit the documentation.\"}"

  /// `/series/<material>/<country>.json`
  var json: String {
    let rows = points.map { "{\"at\":\"\($0.time)\",\"value\":\($0.value)}" }
    let fields = [
      "\"series\":\"\(Self.escaped(material)).\(Self.escaped(country))\"", "\"kind\":\"\(kind.rawValue)\"",
      "\"currency\":\(Self.quoted(kind == .price ? currency : nil))", "\"unit\":\(Self.quoted(shownUnit))",
    ]
    return "{\(fields.joined(separator: ",")),\"data\":{\"points\":[\(rows.joined(separator: ","))]}}"
  }

  /// `/series/<material>/<country>.csv`
  var csv: String {
    let lines = points.map { point in
      "\(point.time),\(material),\(country),\(point.value),\(kind == .price ? currency ?? "" : ""),\(shownUnit ?? "")"
    }
    return "Time,Material,Country,Value,Currency,Unit\r\n" + lines.joined(separator: "\r\n") + "\r\n"
  }

  private var shownUnit: String? { mode == .wrongUnit ? "lb" : unit }

  private static func quoted(_ text: String?) -> String { text.map { "\"\(escaped($0))\"" } ?? "null" }

  private static func escaped(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      switch scalar {
      case "\"", "\\": "\\\(scalar)"
      case _ where scalar.value < 0x20: " "
      default: "\(scalar)"
      }
    }.joined()
  }
}
