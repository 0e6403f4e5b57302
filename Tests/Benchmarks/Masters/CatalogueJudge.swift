import Foundation
import Masters
import Messages
import Values

/// Hides the GTINs of one chain at a time, takes the other chains' lists as masters, and says what is recognised.
struct CatalogueJudge {
  let catalogue: CatalogueRows
  let python: String
  /// The training program.
  let program: String
  /// Where to keep pairs and models.
  let folder: URL
  /// Lists of earlier years say nothing of new rows.
  let openSince: Int

  /// The masters of all chains but one, each with what every chain calls it.
  func index(without hidden: Int) -> MasterIndex {
    let index = MasterIndex(mode: .full, limits: .init(count: .max, bytes: .max))
    let text = ProductText()
    index.change { writer in
      for (number, chain) in catalogue.chains.enumerated() where number != hidden {
        for row in chain.rows {
          guard let gtin = row.gtin else { continue }
          row.set(text)
          let brand = row.brand.isEmpty ? nil : String(decoding: row.brand, as: UTF8.self)
          var master = ProductMaster(
            new: MasterKey(gtin), name: row.nameText, brand: brand, text: text, sourceFileID: "", mintedAt: .epoch)
          (master.price, master.isWeighted) = (row.price, row.isWeighted)
          _ = writer.put(master)
        }
      }
    }
    return index
  }

  /// What other chains call a product, and at what price.
  func names(without hidden: Int) -> [MasterKey: [CatalogueRows.Row]] {
    var names: [MasterKey: [CatalogueRows.Row]] = [:]
    for (number, chain) in catalogue.chains.enumerated() where number != hidden {
      for row in chain.rows {
        if let gtin = row.gtin { names[MasterKey(gtin), default: []].append(row) }
      }
    }
    return names
  }

  /// Writes, for each chain, its rows with their candidates: the training program's input.
  func writePairs() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let (text, candidates, all) = (ProductText(), Candidates(), Candidates(farthest: .infinity))
    var (known, reached, first, rows, pairs) = (0, 0, 0, 0, 0)
    var seconds = 0.0
    var (masters, bytes) = (0, 0)
    for (number, chain) in catalogue.chains.enumerated() {
      let index = index(without: number)
      (masters, bytes) = (index.current.masters, index.current.bytes)
      let names = names(without: number)
      var numbers: [MasterKey: Int] = [:]
      var makers: [UInt32: Int] = [0: 0]
      var wordNumbers: [UInt64: Int32] = [:]
      var (output, words) = (Data(), Data())
      withUnsafeBytes(of: Int32(5 + Candidates.features).littleEndian) { output.append(contentsOf: $0) }
      func add(_ pair: Int, _ row: Int, isRight: Bool, isKnown: Bool) {
        let key = candidates.key(pair)
        let master = numbers[key] ?? numbers.count
        numbers[key] = master
        let maker = makers[key.maker] ?? makers.count
        makers[key.maker] = maker
        let head: [Float] = [Float(row), Float(master), isRight ? 1 : 0, isKnown ? 1 : 0, Float(maker)]
        head.withUnsafeBytes { output.append(contentsOf: $0) }
        output.append(Data(
          bytes: candidates.matrix + pair * Candidates.features, count: Candidates.features * 4))
      }
      func addWords(_ row: Int) {
        for word in candidates.words {
          let number = wordNumbers[word] ?? Int32(wordNumbers.count)
          wordNumbers[word] = number
          for value in [Int32(row), number] {
            withUnsafeBytes(of: value.littleEndian) { words.append(contentsOf: $0) }
          }
        }
      }
      var rejected = 0
      for (place, row) in chain.rows.enumerated() {
        guard let gtin = row.gtin else { continue }
        let right = MasterKey(gtin)
        let clock = CPUClock()
        index.read { view in
          row.set(text)
          candidates.find(text, row.facts, in: view)
        }
        seconds += clock.seconds
        addWords(place)
        rows += 1
        pairs += candidates.count
        if names[right] != nil {
          known += 1
          index.read { all.find(text, row.facts, in: $0) }
          let place = (0..<all.count).first { all.key($0) == right }
          reached += place == nil ? 0 : 1
          first += place == 0 ? 1 : 0
        }
        for pair in 0..<candidates.count {
          add(pair, place, isRight: candidates.key(pair) == right, isKnown: names[right] != nil)
        }
      }
      // What a person rejected is a row with one candidate.
      for (code, master) in catalogue.rejected[chain.name] ?? [] {
        guard let place = chain.rows.firstIndex(where: { $0.code == code }) else { continue }
        chain.rows[place].set(text)
        index.read { candidates.find(text, chain.rows[place].facts, in: $0) }
        guard let pair = (0..<candidates.count).first(where: { candidates.key($0) == master }) else { continue }
        add(pair, chain.rows.count + rejected, isRight: false, isKnown: false)
        addWords(chain.rows.count + rejected)
        rejected += 1
      }
      try output.write(to: folder.appendingPathComponent("\(chain.name).pairs"))
      try words.write(to: folder.appendingPathComponent("\(chain.name).words"))
    }
    print(String(
      format: "%d rows, %d of them among the masters: %.4f in %d candidates, %.4f first; %.1f of them compared, %.0f "
        + "rows/s per core",
      rows, known, Double(reached) / Double(known), Candidates.most, Double(first) / Double(known),
      Double(pairs) / Double(rows), Double(rows) / seconds))
    print("the last index: \(masters) masters, \(bytes / max(1, masters)) bytes each")
  }

  /// A model for each chain, learnt without it.
  func train() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = [program, folder.path, "--folds", folder.path]
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw BenchFailure("\(program) ended with \(process.terminationStatus)")
    }
  }

  /// One answer about a row.
  struct Answer {
    var row: CatalogueRows.Row
    var master: MasterKey
    var probability: Float
    var isKnown: Bool
    var isRight: Bool
    /// Not the right master, but one of which some chain says the same words and size as of the right one, at a near
    /// price: most often the same product under another barcode.
    var isTwin: Bool
    /// Another chain writes the product just so.
    var isAlike: Bool
  }

  /// The answers about one chain, the likeliest first, and how many of its rows are what.
  struct Judged {
    var chain: CatalogueRows.Chain
    var answers: [Answer]
    /// Rows whose product is among the masters, those of them that another chain writes just so, and all others.
    var known, alike, new: Int
    var seconds: Double

    /// Of the rows that another chain writes just so, and of the other known ones.
    func recalls(from threshold: Float) -> (alike: Double, others: Double) {
      let right = answers.lazy.filter { $0.isRight && $0.probability >= threshold }
      let written = right.count(where: \.isAlike)
      return (
        Double(written) / Double(max(1, alike)), Double(right.count - written) / Double(max(1, known - alike)))
    }
  }

  func answers(_ number: Int, _ model: MatchModel) throws -> Judged {
    let index = index(without: number)
    let names = names(without: number)
    let (text, candidates, decision) = (ProductText(), Candidates(), RowDecision(model))
    var rows: [CatalogueRows.Row] = []
    let clock = CPUClock()
    for row in catalogue.chains[number].rows where row.gtin != nil {
      try index.read { view in
        row.set(text)
        candidates.find(text, row.facts, in: view)
        try decision.add(candidates)
      }
      rows.append(row)
    }
    let decided = try decision.decide()
    let seconds = clock.seconds
    var (found, known, alike): ([Answer], Int, Int) = ([], 0, 0)
    for (row, answer) in zip(rows, decided) {
      guard let gtin = row.gtin else { continue }
      let right = MasterKey(gtin)
      known += names[right] == nil ? 0 : 1
      let isAlike = isWritten(row, names[right] ?? [])
      alike += isAlike ? 1 : 0
      guard let answer, !answer.isTaken else { continue }
      let isTwin = answer.master != right && areTwins([row] + (names[right] ?? []), names[answer.master] ?? [])
      found.append(
        Answer(row: row, master: answer.master, probability: answer.probability, isKnown: names[right] != nil,
          isRight: answer.master == right, isTwin: isTwin, isAlike: isAlike))
    }
    return Judged(
      chain: catalogue.chains[number], answers: found.sorted { $0.probability > $1.probability }, known: known,
      alike: alike, new: rows.count - known, seconds: seconds)
  }

  /// Whether some of the names has the words and the size of the row.
  private func isWritten(_ row: CatalogueRows.Row, _ names: [CatalogueRows.Row]) -> Bool {
    let (text, other) = (ProductText(), ProductText())
    row.set(text)
    let key = text.nameKey()
    return names.contains { name in
      name.set(other)
      return key == other.nameKey()
    }
  }

  /// Whether some name of the one is a name of the other, of the same size and at a near price.
  private func areTwins(_ these: [CatalogueRows.Row], _ others: [CatalogueRows.Row]) -> Bool {
    let (text, other) = (ProductText(), ProductText())
    return these.contains { row in
      row.set(text)
      let key = text.nameKey()
      return others.contains { name in
        let (mine, theirs) = (row.price.approximate, name.price.approximate)
        guard mine > 0, theirs > 0, max(mine, theirs) / min(mine, theirs) < 1.25 else { return false }
        name.set(other)
        return key == other.nameKey()
      }
    }
  }

  func report(show: Int) throws {
    var recalls: [[Double]] = []
    var apartRecalls: [Double] = []
    var (asked, seconds) = (0, 0.0)
    var curves: [Point] = []
    var judged: [Judged] = []
    for (number, chain) in catalogue.chains.enumerated() {
      let path = folder.appendingPathComponent("\(chain.name).json")
      guard FileManager.default.fileExists(atPath: path.path) else { continue }
      let model = try MatchModel(Array(try Data(contentsOf: path)))
      let found = try self.answers(number, model)
      let (answers, known, alike, new) = (found.answers, found.known, found.alike, found.new)
      asked += known + new
      seconds += found.seconds
      guard known > 0 else { continue }
      judged.append(found)
      print("\(chain.name): \(known) rows that are among the masters, \(new) that are not")
      var line: [Double] = []
      for precision in [0.90, 0.95, 0.98] {
        let point = Self.point(answers, known: known, new: new, precision: precision)
        line.append(point.recall)
        print("  \(point)")
        guard precision == 0.95 else { continue }
        let (ofAlike, ofOthers) = found.recalls(from: point.threshold)
        print(String(
          format: "    %d that another chain writes with the same words and size: recall %.3f; of the others %.3f",
          alike, ofAlike, ofOthers))
      }
      recalls.append(line)
      let apart = Self.point(answers.filter { !$0.isTwin }, known: known, new: new, precision: 0.95)
      apartRecalls.append(apart.recall)
      print("  without answers of another barcode: \(apart)")
      for threshold in stride(from: Float(0.3), to: 1, by: 0.1) {
        curves.append(Self.point(answers, known: known, new: new, threshold: threshold))
      }
      errors(answers, number, show, model.same)
    }
    guard !recalls.isEmpty else { return }
    for (place, precision) in ["0.90", "0.95", "0.98"].enumerated() {
      let column = recalls.map { $0[place] }.sorted()
      print(String(format: "at precision %@: recall median %.3f, %.3f to %.3f over %d chains", precision,
        column[column.count / 2], column[0], column[column.count - 1], column.count))
    }
    apartRecalls.sort()
    print(String(format: "at precision 0.95 without answers of another barcode: recall median %.3f, %.3f to %.3f",
      apartRecalls[apartRecalls.count / 2], apartRecalls[0], apartRecalls[apartRecalls.count - 1]))
    print(String(format: "%.0f rows/s per core, from the row to the decision", Double(asked) / seconds))
    print("all chains, by threshold:")
    for threshold in Dictionary(grouping: curves, by: \.threshold).sorted(by: { $0.key < $1.key }) {
      print("  \(threshold.value.reduce(Point(threshold: threshold.key)) { $0 + $1 })")
    }
    together(judged)
  }

  /// All chains at one threshold: the least with precision 0.95 and, without other barcodes, 3 % of the new rows
  /// attached.
  private func together(_ chains: [Judged]) {
    let all = chains.flatMap { chain in
      chain.answers.filter { $0.isKnown || (!$0.isTwin && chain.chain.year >= openSince) }
    }.sorted { $0.probability > $1.probability }
    let new = chains.reduce(0) { $0 + ($1.chain.year >= openSince ? $1.new : 0) }
    let point = Self.point(
      all, known: chains.reduce(0) { $0 + $1.known }, new: new, precision: 0.95, attached: 0.03)
    print("one threshold for all chains, new rows of lists since \(openSince) without other barcodes:\n  \(point)")
    let recalls = chains.map { chain in
      let split = chain.recalls(from: point.threshold)
      let one = Self.point(chain.answers, known: chain.known, new: chain.new, threshold: point.threshold)
      print(String(
        format: "  %@ (%d): precision %.3f, recall %.3f (written alike %.3f, others %.3f), attached %.1f %%",
        chain.chain.name, chain.chain.year, one.precision, one.recall, split.alike, split.others,
        100 * Double(one.attached - one.twins) / Double(max(1, chain.new))))
      return [one.recall, split.alike, split.others]
    }
    func median(_ column: Int) -> Double {
      let values = recalls.map { $0[column] }.sorted()
      return (values[(values.count - 1) / 2] + values[values.count / 2]) / 2
    }
    print(String(
      format: "  the median chain: recall %.3f, written alike %.3f, others %.3f", median(0), median(1), median(2)))
  }

  private func errors(_ answers: [Answer], _ number: Int, _ show: Int, _ threshold: Float) {
    let names = names(without: number)
    for answer in answers.lazy.filter({ $0.isKnown && !$0.isRight }).prefix(show) {
      let right = answer.row.gtin.flatMap { names[MasterKey($0)] }?.first?.nameText ?? "-"
      print(String(format: "    %.2f ", answer.probability) + "\(answer.row.nameText) (\(answer.row.price)) -> "
        + "\(names[answer.master]?.first?.nameText ?? "-") (\(names[answer.master]?.first?.price.description ?? "-")), "
        + "should be \(right)")
    }
  }

  /// What one threshold gives.
  struct Point: CustomStringConvertible {
    var threshold: Float = 0
    /// Of the wrong: those that are another barcode.
    var right = 0, wrong = 0, others = 0, known = 0
    var attached = 0, twins = 0, new = 0

    var precision: Double { Double(right) / Double(max(1, right + wrong)) }
    var recall: Double { Double(right) / Double(max(1, known)) }

    static func + (left: Point, right: Point) -> Point {
      Point(
        threshold: left.threshold, right: left.right + right.right, wrong: left.wrong + right.wrong,
        others: left.others + right.others, known: left.known + right.known,
        attached: left.attached + right.attached, twins: left.twins + right.twins, new: left.new + right.new)
    }

    var description: String {
      String(
        format: "threshold %.2f: precision %.3f, recall %.3f (%d right, %d wrong, %d of them another barcode, %d "
          + "withheld); of %d new, %d attached (%.1f %%), %d of them to equal words, size and near price: %.1f %% "
          + "without",
        threshold, precision, recall, right, wrong, others, known - right - wrong, new, attached,
        100 * Double(attached) / Double(max(1, new)), twins, 100 * Double(attached - twins) / Double(max(1, new)))
    }
  }

  static func point(_ answers: [Answer], known: Int, new: Int, threshold: Float) -> Point {
    var point = Point(threshold: threshold, known: known, new: new)
    for answer in answers where answer.probability >= threshold {
      if answer.isKnown {
        if answer.isRight { point.right += 1 } else { point.wrong += 1 }
        if answer.isTwin { point.others += 1 }
      } else {
        point.attached += 1
        if answer.isTwin { point.twins += 1 }
      }
    }
    return point
  }

  /// The least threshold that reaches the precision and attaches at most a share of the new rows.
  static func point(
    _ answers: [Answer], known: Int, new: Int, precision: Double, attached most: Double = 1
  ) -> Point {
    var (right, wrong, attached) = (0, 0, 0)
    var threshold: Float = 1
    for answer in answers {
      guard answer.isKnown else {
        attached += 1
        continue
      }
      if answer.isRight { right += 1 } else { wrong += 1 }
      let isPrecise = Double(right) >= precision * Double(right + wrong)
      if isPrecise, Double(attached) <= most * Double(new) { threshold = answer.probability }
    }
    return point(answers, known: known, new: new, threshold: threshold)
  }
}

struct BenchFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
