import ArgumentParser
import Foundation

/// `souk-bench masters`: what is recognised of published lists.
struct MastersBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "masters",
    abstract: "Judge how products of published lists are recognised.",
    discussion: """
      The GTINs of each chain in turn are hidden, the others' lists are the masters, and a model is learnt without the \
      chain. Closed: rows whose product is among the masters. Open: rows whose product is not.
      """)

  @Option(parsing: .upToNextOption, help: "Folders of published price lists, a folder for each chain in it.")
  var catalogues: [String]
  @Option(help: "Keep pairs and models in this folder, and judge with the models that are there.")
  var models: String?
  @Option(help: "A Python with xgboost, for learning (the Debian package python3-xgboost).")
  var xgboostPython = "/usr/bin/python3"
  @Option(help: """
    Judge what new rows are attached to by lists of this year and later: makers number products anew, so that an \
    older list has other barcodes for products that are known.
    """)
  var openSince = 0
  @Option(help: "Print this many rows that were answered wrongly.")
  var show = 0

  mutating func run() throws {
    #if DEBUG
      print("This is a debug build: its rates mean nothing.")
    #endif
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("souk-bench-masters-\(getpid())")
    defer { if models == nil { try? FileManager.default.removeItem(at: scratch) } }
    let folder = models.map { URL(fileURLWithPath: $0) } ?? scratch
    let judge = CatalogueJudge(
      catalogue: try CatalogueRows(folders: catalogues), python: xgboostPython,
      program: "Services/Parser/Training/train_masters.py", folder: folder, openSince: openSince)
    let hasModels = judge.catalogue.chains.allSatisfy {
      FileManager.default.fileExists(atPath: folder.appendingPathComponent("\($0.name).json").path)
    }
    if !hasModels {
      try judge.writePairs()
      try judge.train()
    }
    try judge.report(show: show)
  }
}
