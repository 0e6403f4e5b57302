import Foundation
import Messages

/// What a Python service would do: rapidfuzz's best choice over all names, with the size in the text.
struct RapidfuzzRun {
  let set: EvaluationSet
  let python: String
  /// Of CPU time for the questions.
  var seconds = 20.0

  func report() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("souk-bench-masters-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func line(_ parts: [String]) -> String {
      parts.map { $0.replacing("\t", with: " ").replacing("\n", with: " ") }.joined(separator: "\t")
    }
    let masters = set.records.map { line([$0.masterID, "\($0.name) \($0.brand ?? "")"]) }
    let rows = set.questions.map { line([$0.answer ?? "", "\($0.row.name) \($0.row.manufacturer)"]) }
    try masters.joined(separator: "\n").write(
      to: folder.appendingPathComponent("masters"), atomically: false, encoding: .utf8)
    try rows.joined(separator: "\n").write(
      to: folder.appendingPathComponent("rows"), atomically: false, encoding: .utf8)
    let script = """
      import sys, time
      try:
          from rapidfuzz import fuzz, process, utils
      except ImportError:
          print("  rapidfuzz is not there"); sys.exit(0)
      folder, seconds = sys.argv[1], float(sys.argv[2])
      read = lambda name: [l.split("\\t") for l in open(f"{folder}/{name}", encoding="utf-8").read().split("\\n")]
      masters, rows = read("masters"), read("rows")
      choices = [utils.default_process(m[1]) for m in masters]
      for cutoff in (90,):
          right = wrong = missed = asked = 0
          start = time.process_time()
          for answer, name in rows:
              best = process.extractOne(utils.default_process(name), choices,
                                        scorer=fuzz.token_sort_ratio, score_cutoff=cutoff)
              found = masters[best[2]][0] if best else ""
              asked += 1
              if found == answer: right += found != ""
              else:
                  wrong += found != ""
                  missed += answer != ""
              if time.process_time() - start > seconds: break
          took = time.process_time() - start
          precision, recall = right / max(1, right + wrong), right / max(1, right + missed)
          print(f"  rapidfuzz {cutoff:<14} precision {precision:.4f}, recall {recall:.4f} ({asked} rows)")
          print(f"  rapidfuzz                {asked / took:8.1f} lookups/s per core")
      """
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = ["-c", script, folder.path, "\(seconds)"]
    try process.run()
    process.waitUntilExit()
  }
}
