import ArgumentParser
import Foundation
import Masters
import Messages

/// `souk-bench masters`: precision, recall and speed of matching rows with known masters.
struct MastersBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "masters",
    abstract: "Match perturbed rows with a catalogue of masters; precision, recall and lookups per second.",
    discussion: """
      The catalogue and the rows are generated from a seed, by code that knows nothing of the matcher. Of the rows, a \
      quarter are products that the catalogue does not have, each of which differs from one that it has in one respect \
      only: size, flavour, variant or maker. Precision counts a new product that was matched as a mistake. Rates are \
      per second of CPU time of one thread. With --python, rapidfuzz answers the same questions, as many as it can in \
      the time given. With --catalogues, published lists are judged instead: the GTINs of each chain in turn are \
      hidden, the others' lists are the masters, and a model is learnt without the chain. Closed: rows whose product \
      is among the masters. Open: rows whose product is not.
      """)

  @Option(parsing: .upToNextOption, help: "Folders of published price lists, a folder for each chain in it.")
  var catalogues: [String] = []
  @Option(help: "Keep pairs and models in this folder, and judge with the models that are there.")
  var models: String?
  @Option(help: "A Python with xgboost, for learning (the Debian package python3-xgboost).")
  var xgboostPython = "/usr/bin/python3"

  @Option(help: "Masters in the catalogue.")
  var masters = 200_000
  @Option(help: "Rows to match.")
  var rows = 20_000
  @Option(help: "Seed of catalogue and rows.")
  var seed: UInt64 = 20_250_120
  @Option(help: "Least score of a name that is taken.")
  var threshold = MasterMatcher.defaultThreshold
  @Option(help: "CPU seconds for each figure.")
  var seconds = 1.0
  @Option(help: "A Python with rapidfuzz, to be measured too (default: .souk/venv/bin/python when it is there).")
  var python: String?
  @Option(help: "Print this many rows that were answered wrongly.")
  var show = 0

  mutating func run() throws {
    #if DEBUG
      print("This is a debug build: its figures mean nothing.")
    #endif
    guard catalogues.isEmpty else { return try judge() }
    let set = EvaluationSet(masters: masters, rows: rows, seed: seed)
    print("\(set.records.count) masters, \(set.questions.count) rows of which "
      + "\(set.questions.count { $0.answer == nil }) are new products, seed \(seed)")
    let index = MasterIndex(mode: .full, limits: .init(count: .max, bytes: .max))
    let clock = CPUClock()
    index.change { writer in
      for record in set.records { _ = writer.put(record) }
    }
    let figures = index.current
    print(String(
      format: "  %@ %8.1f s, %.0f masters/s, %.0f bytes each", pad("index built in"), clock.seconds,
      Double(figures.masters) / clock.seconds, Double(figures.bytes) / Double(figures.masters)))
    quality(set, index)
    try speed(set, index)
    try gtins(set, index)
    if let python = python ?? Self.venv { try RapidfuzzRun(set: set, python: python).report() }
  }

  private func judge() throws {
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("souk-bench-masters-\(getpid())")
    defer { if models == nil { try? FileManager.default.removeItem(at: scratch) } }
    let folder = models.map { URL(fileURLWithPath: $0) } ?? scratch
    let judge = CatalogueJudge(
      catalogue: try CatalogueRows(folders: catalogues), python: xgboostPython,
      program: "Services/Parser/Training/train_masters.py", folder: folder)
    let hasModels = judge.catalogue.chains.allSatisfy {
      FileManager.default.fileExists(atPath: folder.appendingPathComponent("\($0.name).json").path)
    }
    if !hasModels {
      try judge.writePairs()
      try judge.train()
    }
    try judge.report(show: show)
  }

  private static var venv: String? {
    let path = ".souk/venv/bin/python"
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }

  private func quality(_ set: EvaluationSet, _ index: MasterIndex) {
    let matcher = MasterMatcher(threshold: threshold)
    var score = EvaluationScore()
    var shown = 0
    for question in set.questions {
      let answer = question.ask(matcher, index)
      score.count(answer: answer, expected: question.answer)
      if shown < show, answer != question.answer {
        shown += 1
        print("    \(question.row.name) | \(question.row.manufacturer) -> \(answer.map(set.name) ?? "new"), "
          + "should be \(question.answer.map(set.name) ?? "new")")
      }
    }
    print("  \(pad("by name")) \(score)")
  }

  private func speed(_ set: EvaluationSet, _ index: MasterIndex) throws {
    let matcher = MasterMatcher(threshold: threshold)
    var next = 0
    // As the parser does: the index is held for some rows at a time.
    let perSecond = set.questions.withUnsafeBufferPointer { questions in
      rate(seconds: seconds) {
        index.read { view in
          for _ in 0..<100 {
            _ = questions[next].match(matcher, view)
            next = next + 1 < questions.count ? next + 1 : 0
          }
        }
      }
    }
    print(String(format: "  %@ %8.0f lookups/s per core", pad("by name"), perSecond * 100))
  }

  private func gtins(_ set: EvaluationSet, _ index: MasterIndex) throws {
    let matcher = MasterMatcher(threshold: threshold)
    let codes = set.records.compactMap(\.gtin).map { Array($0.utf8) }.shuffled()
    var next = 0
    var hits = 0
    let perSecond = rate(seconds: seconds) {
      index.read { view in
        for _ in 0..<100 {
          let code = codes[next % codes.count]
          next += 1
          code.withUnsafeBufferPointer {
            if let gtin = GTIN($0), case .exact = matcher.match(gtin, in: view) { hits += 1 }
          }
        }
      }
    }
    guard hits > 0 else { throw ExitCode(1) }
    print(String(format: "  %@ %8.0f lookups/s per core", pad("by GTIN"), perSecond * 100))
  }
}

func pad(_ text: String) -> String { text.padding(toLength: 24, withPad: " ", startingAt: 0) }

/// Right and wrong answers.
struct EvaluationScore: CustomStringConvertible {
  var right = 0
  /// Matched with another product than the right one, or although it is new.
  var wrong = 0
  var missed = 0
  var newFound = 0

  mutating func count(answer: String?, expected: String?) {
    switch (answer, expected) {
    case (nil, nil): newFound += 1
    case (nil, _): missed += 1
    default:
      if answer == expected { right += 1 } else { wrong += 1 }
      if answer != expected, expected != nil { missed += 1 }
    }
  }

  var precision: Double { Double(right) / Double(max(1, right + wrong)) }
  var recall: Double { Double(right) / Double(max(1, right + missed)) }

  var description: String {
    String(format: "precision %.4f, recall %.4f (%d right, %d wrong, %d missed, %d of the new found new)",
      precision, recall, right, wrong, missed, newFound)
  }
}
