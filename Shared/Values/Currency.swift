/// A currency of ISO 4217 with its minor unit: the cents of a dollar, the fils of a dinar.
///
/// From list one as published by SIX (amendment 180, 2026); metals, funds and testing codes are left out, the
/// currencies that were withdrawn since 2022 are kept for data of their time.
package struct Currency: Hashable, Sendable, CustomStringConvertible {
  /// Three capitals.
  package let code: String
  /// The minor unit is 1/10^exponent of the currency: 2 for the dollar, 0 for the yen, 3 for the dinars.
  package let exponent: Int

  /// - Returns: nil for what is no code of the list, in capitals.
  package init?(_ code: String) {
    guard let exponent = Self.exponents[code] else { return nil }
    self.code = code
    self.exponent = exponent
  }

  package var description: String { code }

  private static let exponents: [String: Int] = {
    let lists = [
      (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
      (2, """
        AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE \
        CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD \
        HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP \
        MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR \
        SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED \
        VES WST XCD XCG YER ZAR ZMW ZWG ZWL
        """),
      (3, "BHD IQD JOD KWD LYD OMR TND"), (4, "CLF UYW"),
    ]
    return Dictionary(uniqueKeysWithValues: lists.flatMap { exponent, codes in
      codes.split(separator: " ").map { (String($0), exponent) }
    })
  }()

  /// A currency as exchanges and providers write it: an ISO 4217 code, or a name of its minor unit.
  package struct Written: Hashable, Sendable {
    package var currency: Currency
    /// How many digits the point of an amount moves to the left to be of the whole unit: 0, or the exponent.
    package var shift: Int

    /// - Returns: nil for an unknown word. `GBp` (pence) and `GBP` (pounds) differ by their case alone.
    package init?(_ text: String) {
      if let currency = Currency(text) {
        self.init(currency: currency, shift: 0)
      } else if let currency = Currency.minorNames[text].flatMap({ Currency($0) }) {
        self.init(currency: currency, shift: currency.exponent)
      } else {
        return nil
      }
    }

    private init(currency: Currency, shift: Int) {
      self.currency = currency
      self.shift = shift
    }
  }

  /// Minor units as exchanges and Yahoo Finance name them; ISO 4217 has no codes of them.
  private static let minorNames = [
    "GBp": "GBP", "GBX": "GBP", "GBx": "GBP", "USX": "USD", "USx": "USD", "USc": "USD", "EUX": "EUR", "EUc": "EUR",
    "ZAc": "ZAR", "ZAC": "ZAR", "ZAX": "ZAR", "ILA": "ILS", "ILa": "ILS", "KWF": "KWD", "KWf": "KWD",
  ]
}
