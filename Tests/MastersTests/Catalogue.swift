import Masters
import Messages
import Values

/// A row of a file, as the parser would ask about it.
struct Row {
  var name: String
  var brand = ""
  var quantity: String?
  var unit = ""
  /// What the unit price is for.
  var measure = ""
  var isWeighted = false

  /// The words and size it is compared by.
  func text() -> ProductText {
    let text = ProductText()
    let (name, brand, unit) = (Array(self.name.utf8), Array(self.brand.utf8), Array(self.unit.utf8))
    let measure = Array(self.measure.utf8)
    name.withUnsafeBufferPointer { name in
      brand.withUnsafeBufferPointer { brand in
        unit.withUnsafeBufferPointer { unit in
          measure.withUnsafeBufferPointer {
            text.set(
              name: name, brand: brand, quantity: quantity.flatMap { ExactDecimal($0) }, unit: unit, measure: $0,
              isWeighted: isWeighted)
          }
        }
      }
    }
    return text
  }

  /// The record a parser would mint for it.
  func master(_ key: MasterKey? = nil) -> ProductMaster {
    let text = text()
    return ProductMaster(
      new: key ?? text.nameKey(), name: name, brand: brand.isEmpty ? nil : brand, text: text, sourceFileID: "f",
      mintedAt: .epoch)
  }
}

extension MasterIndex {
  static func holding(_ rows: [Row], mode: MatchMode = .full, limits: Limits = Limits()) -> MasterIndex {
    let index = MasterIndex(mode: mode, limits: limits)
    index.change { writer in
      for row in rows { _ = writer.put(row.master()) }
    }
    return index
  }
}
