/// The words that turn a number into a size.
struct UnitWords: Sendable {
  struct Unit: Sendable {
    let dimension: ProductSize.Dimension
    /// Of one: thousandths of a gram or millilitre, or of a piece.
    let millis: Int64
  }

  static let shared = UnitWords()

  private let units: [UInt64: Unit]
  /// The lowest bits of the hashes, so that most words need no look into the dictionary.
  nonisolated(unsafe) private let filter: UnsafeMutablePointer<Bool>

  /// As they are after folding: without quotation marks, final letters and capitals.
  private init() {
    let spellings: [(ProductSize.Dimension, Int64, String)] = [
      (.mass, 1_000, "גרם גר ג גרמ גרמים g gr gram grams grm gm"),
      (.mass, 1_000_000, "קג קילו קילוגרם קגרם ק\"ג kg kilo kilogram kgs"),
      (.mass, 1, "מג mg"),
      (.mass, 28_350, "oz ounce ounces"),
      (.mass, 453_592, "lb lbs pound"),
      (.volume, 1_000, "מל מיל מיליליטר מיליליטרים ml millilitre milliliter"),
      (.volume, 1_000_000, "ליטר ליטרים ל לי ליט l lt ltr liter litre litres liters"),
      (.volume, 10_000, "cl"),
      (.pieces, 1_000, "יח יחי יחידה יחידות pc pcs piece pieces unit units ct count"),
      (.pieces, 1_000, "גלילים גליל rolls שקיות שקיקים כדורים טבליות קפסולות capsules tabs מגבונים wipes חיתולים"),
    ]
    var units: [UInt64: Unit] = [:]
    filter = .allocate(capacity: 1 << 12)
    filter.initialize(repeating: false, count: 1 << 12)
    for (dimension, millis, words) in spellings {
      for word in words.split(separator: " ") {
        let folded = word.unicodeScalars.map { Folding.fold($0.value) }.filter(Folding.isLetter)
        let hash = folded.withUnsafeBufferPointer(Token.hash)
        units[hash] = Unit(dimension: dimension, millis: millis)
        filter[Int(hash & 0xFFF)] = true
      }
    }
    self.units = units
  }

  @inline(__always)
  func unit(_ hash: UInt64) -> Unit? { filter[Int(hash & 0xFFF)] ? units[hash] : nil }
}
