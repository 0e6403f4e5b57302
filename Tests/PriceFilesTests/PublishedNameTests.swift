import Core
@testable import PriceFiles
import Testing
import TestSupport
import Values

/// Names in every form that portals publish, built from known parts: parsing must return those parts.
@Suite struct PublishedNameTests {
  /// How a portal writes the parts it has.
  private enum Form: CaseIterable {
    /// `Type Chain - Store - Date Time`, 12 or 14 digits.
    case threeParts
    /// `Type Chain - SubChain - Store - Date - Time`.
    case fiveParts
    /// `Stores Chain - 000 - Date - Sequence` of three digits.
    case storesWithSequence
    /// `Stores Chain - 000 - Date - Time`.
    case storesWithTime
    /// `Stores Chain - Date Time`.
    case storesOfTwoParts
    /// `StoresFull Chain -- Date Time`: the store's place is empty.
    case storesFullWithoutStore
    /// `Type Chain - Store - Date Time - Sequence`.
    case trailingSequence
    /// `Type - Chain - Store - Date Time - Sequence`.
    case dashAfterType
    /// `Stores Chain - Date Time` of 13 digits: seconds without their leading zero.
    case thirteenDigits
  }

  @Test func everyPublishedFormIsReadBack() throws {
    var random = TestRandom("published names")
    for round in 0..<4_000 {
      let form = Form.allCases[round % Form.allCases.count]
      let (text, expected) = try sample(form, &random)
      let name = try PriceFileName(Bool.random(using: &random) ? text : text.uppercased())
      #expect(name == expected, "\(form): \(text)")
      // The canonical spelling says the same.
      #expect(try PriceFileName(name.text) == name, "\(form): \(text)")
    }
  }

  /// "001" is "1": the number of leading zeros does not change the store.
  @Test func leadingZerosOfStoresMeanNothing() throws {
    var random = TestRandom("zeros of stores")
    for _ in 0..<200 {
      let store = Int.random(in: 0...999, using: &random)
      let names = try ["\(store)", padded(store, 3), padded(store, 5)].map {
        try PriceFileName("Price7290000000017-\($0)-202601020300.gz")
      }
      #expect(Set(names).count == 1)
      #expect(names[0].storeID == "\(store)")
    }
  }

  private func sample(_ form: Form, _ random: inout TestRandom) throws -> (String, PriceFileName) {
    let date = try #require(CivilDate(
      year: .random(in: 2015...2099, using: &random), month: .random(in: 1...12, using: &random),
      day: .random(in: 1...28, using: &random)))
    let minute = try #require(TimeOfDay(
      hour: .random(in: 0...23, using: &random), minute: .random(in: 0...59, using: &random)))
    let second = try #require(TimeOfDay(
      hour: minute.hour, minute: minute.minute, second: .random(in: 0...59, using: &random)))
    let chain = padded(Int.random(in: 0...9_999_999_999_999, using: &random), 13)
    let store = Int.random(in: 0...9_999, using: &random)
    let sub = Int.random(in: 0...999, using: &random)
    let sequence = padded(Int.random(in: 0...999, using: &random), 3)
    let isNull = Int.random(in: 0..<10, using: &random) == 0
    let ending = ["", ".gz", ".GZ", ".xml", ".xml.gz"].randomElement(using: &random) ?? ""
    let day = padded(date.year, 4) + padded(date.month, 2) + padded(date.day, 2)
    let clock = padded(minute.hour, 2) + padded(minute.minute, 2)
    let long = clock + padded(second.second, 2)
    let isLong = Bool.random(using: &random)

    let stores: [Form] = [
      .storesWithSequence, .storesWithTime, .storesOfTwoParts, .storesFullWithoutStore, .thirteenDigits,
    ]
    let type = stores.contains(form)
      ? FileType.stores : [.price, .priceFull, .promo, .promoFull].randomElement(using: &random) ?? .price
    var expected = PriceFileName(
      type: type, chainID: chain, date: date, time: isLong ? second : minute, isNull: isNull,
      fileExtension: String(ending.dropFirst()).lowercased())
    var text = (isNull ? "NULL" : "") + type.spelling
    switch form {
    case .threeParts:
      expected.storeID = "\(store)"
      text += "\(chain)-\(padded(store, 3))-\(day)\(isLong ? long : clock)"
    case .fiveParts:
      (expected.subChainID, expected.storeID, expected.time) = ("\(sub)", "\(store)", second)
      text += "\(chain)-\(padded(sub, 3))-\(padded(store, 3))-\(day)-\(long)"
    case .storesWithSequence:
      (expected.storeID, expected.time, expected.sequence) = ("0", nil, sequence)
      text += "\(chain)-000-\(day)-\(sequence)"
    case .storesWithTime:
      (expected.storeID, expected.time) = ("0", second)
      text += "\(chain)-000-\(day)-\(long)"
    case .storesOfTwoParts:
      text += "\(chain)-\(day)\(isLong ? long : clock)"
    case .storesFullWithoutStore:
      text += "Full\(chain)--\(day)\(isLong ? long : clock)"
    case .trailingSequence, .dashAfterType:
      (expected.storeID, expected.sequence) = ("\(store)", sequence)
      if form == .dashAfterType { text += "-" }
      text += "\(chain)-\(padded(store, 3))-\(day)\(isLong ? long : clock)-\(sequence)"
    case .thirteenDigits:
      expected.time = minute
      text += "\(chain)-\(day)\(clock)\(second.second % 10)"
    }
    return (text + ending, expected)
  }

  private func padded(_ value: Int, _ width: Int) -> String {
    let digits = "\(value)"
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
