import Masters
import Messages
import Values

/// Masters, and rows with their expected master.
struct EvaluationSet {
  struct Question {
    var row: EvaluationRow
    private let name: [UInt8]
    private let brand: [UInt8]
    private let unit: [UInt8]
    /// nil for a product without a master.
    var answer: String?

    init(_ row: EvaluationRow, answer: String?) {
      self.row = row
      self.answer = answer
      name = Array(row.name.utf8)
      brand = Array(row.manufacturer.utf8)
      unit = Array(row.unit.utf8)
    }

    /// As the parser does for a row without a GTIN.
    func match(_ matcher: MasterMatcher, _ view: MasterIndex.View) -> MasterMatcher.Outcome {
      name.withUnsafeBufferPointer { name in
        brand.withUnsafeBufferPointer { brand in
          unit.withUnsafeBufferPointer { unit in
            matcher.match(
              name: name, brand: brand, quantity: row.quantity, unit: unit, isWeighted: false, in: view)
          }
        }
      }
    }

    func ask(_ matcher: MasterMatcher, _ index: MasterIndex) -> String? {
      switch index.read({ match(matcher, $0) }) {
      case .exact(let key), .similar(let key, _): return key.text
      case .new, .unknown: return nil
      }
    }
  }

  private(set) var records: [ProductMaster] = []
  private(set) var questions: [Question] = []
  private let names: [String: String]

  init(masters: Int, rows: Int, seed: UInt64) {
    let catalogue = EvaluationCatalogue(count: masters, seed: seed)
    var random = EvaluationRandom(seed: seed &+ 1)
    let text = ProductText()
    let time = Timestamp("2025-01-20T01:05:00Z") ?? .epoch
    for (index, product) in catalogue.known.enumerated() {
      let row = EvaluationRow(clean: product, &random)
      let (name, brand, unit) = (Array(row.name.utf8), Array(row.manufacturer.utf8), Array(row.unit.utf8))
      name.withUnsafeBufferPointer { name in
        brand.withUnsafeBufferPointer { brand in
          unit.withUnsafeBufferPointer {
            text.set(name: name, brand: brand, quantity: row.quantity, unit: $0, isWeighted: false)
          }
        }
      }
      // Two thirds have a GTIN; the others are known by name only.
      let key = index % 3 == 2 ? text.nameKey() : MasterKey(Self.gtin(index))
      records.append(
        ProductMaster(
          new: key, name: row.name, brand: row.manufacturer, text: text, sourceFileID: "evaluation", mintedAt: time))
    }
    for _ in 0..<rows {
      if random.chance(25), !catalogue.new.isEmpty {
        questions.append(Question(EvaluationRow(perturbed: random.pick(catalogue.new), &random), answer: nil))
      } else {
        let index = Int.random(in: 0..<records.count, using: &random)
        questions.append(
          Question(
            EvaluationRow(perturbed: catalogue.known[index], &random), answer: records[index].masterID))
      }
    }
    names = Dictionary(records.map { ($0.masterID, $0.name) }, uniquingKeysWith: { first, _ in first })
  }

  func name(_ masterID: String) -> String { names[masterID] ?? masterID }

  /// A valid number of its own for every product: 729, nine digits and the check digit.
  private static func gtin(_ index: Int) -> GTIN {
    let body = "729" + String(1_000_000_000 + index).dropFirst()
    var sum = 0
    for (position, digit) in body.utf8.reversed().enumerated() { sum += Int(digit - 48) * (position % 2 == 0 ? 3 : 1) }
    guard let gtin = GTIN(body + String((10 - sum % 10) % 10)) else { preconditionFailure("not a GTIN: \(body)") }
    return gtin
  }
}
