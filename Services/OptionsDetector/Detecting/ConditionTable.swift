import Core

/// What a condition of a print means for the detector.
package enum PrintClass: String, CaseIterable, Sendable, Comparable {
  /// Nothing unusual.
  case plain
  /// Part of an intermarket sweep order.
  case sweep
  /// Of an auction, a cross or a floor: one print of an order that several may have filled. No part of a sweep.
  case auction
  /// A leg of an order of several contracts, perhaps with stock.
  case multiLeg = "multi_leg"
  /// Late, out of sequence, or of another kind whose price says nothing of the market at its time.
  case excluded
  /// An earlier print of the same contract, price and size did not happen.
  case cancel

  /// Of several conditions the one that counts.
  package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
  private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// The conditions of option prints: letters of OPRA, as Alpaca sends them, and numbers of Polygon.
package struct ConditionTable: Sendable {
  private let classes: [String: PrintClass]

  package var count: Int { classes.count }

  /// - Returns: the class that counts, and the codes that are in no table: what they mean is not known, so their print
  ///   is excluded.
  package func read(_ conditions: [String]) -> (class: PrintClass, unknown: [String]) {
    var (found, unknown) = (PrintClass.plain, [String]())
    for code in conditions where !code.allSatisfy(\.isWhitespace) {
      guard let known = classes[code] else {
        unknown.append(code)
        found = max(found, .excluded)
        continue
      }
      found = max(found, known)
    }
    return (found, unknown)
  }

  /// Reads lines of `code,class`, with more columns for people; `#` begins a comment.
  /// - Throws: a configuration `Failure` naming the line.
  package init(csv text: String, origin: String) throws(Failure) {
    var classes: [String: PrintClass] = [:]
    for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let cells = line.prefix { $0 != "#" }.split(separator: ",", omittingEmptySubsequences: false)
        .map { $0.trimming() }
      guard !cells.allSatisfy(\.isEmpty), cells.first != "code" else { continue }
      guard cells.count >= 2, !cells[0].isEmpty, let found = PrintClass(rawValue: cells[1]) else {
        let names = PrintClass.allCases.map(\.rawValue).joined(separator: ", ")
        throw Failure(
          .configuration, code: "bad_conditions",
          "\(origin), line \(number + 1): 'code,class' is expected, with a class of \(names)")
      }
      guard classes.updateValue(found, forKey: cells[0]) == nil else {
        throw Failure(
          .configuration, code: "bad_conditions", "\(origin), line \(number + 1): the code \(cells[0]) is there twice")
      }
    }
    guard !classes.isEmpty else {
      throw Failure(.configuration, code: "bad_conditions", "\(origin) has no conditions")
    }
    self.classes = classes
  }

  /// - Parameter path: nil: the published codes.
  /// - Throws: a configuration `Failure`.
  package static func load(_ path: String?) throws(Failure) -> ConditionTable {
    guard let path else { return try ConditionTable(csv: published, origin: "the embedded conditions") }
    return try ConditionTable(
      csv: String(decoding: try readFile(path, limit: 1 << 20), as: UTF8.self), origin: path)
  }

  /// The last-sale messages of OPRA's specification of its output, and the numbers that Massive's `/v3/reference/
  /// conditions?asset_class=options&data_type=trade` gives them.
  package static let published = """
    code,class,name
    A,cancel,CANC an earlier report is cancelled
    B,excluded,OSEQ late and out of sequence
    C,cancel,CNCL the last report is cancelled
    D,excluded,LATE late but in sequence
    E,cancel,CNCO the opening report is cancelled
    F,excluded,OPEN late report of the opening and out of sequence
    G,cancel,CNOL the only report of the day is cancelled
    H,excluded,OPNL late report of the opening but in sequence
    I,plain,AUTO executed electronically
    J,excluded,REOP the contract was halted and reopens
    S,sweep,ISOI intermarket sweep order
    a,auction,SLAN single leg auction
    b,auction,SLAI single leg auction of a sweep
    c,auction,SLCN single leg cross
    d,auction,SLCI single leg cross of a sweep
    e,auction,SLFT single leg on the floor
    f,multi_leg,MLET multi leg electronic
    g,multi_leg,MLAT multi leg auction
    h,multi_leg,MLCT multi leg cross
    i,multi_leg,MLFT multi leg on the floor
    j,multi_leg,MESL multi leg against single legs
    k,multi_leg,TLAT stock and options auction
    l,multi_leg,MASL multi leg auction against single legs
    m,multi_leg,MFSL multi leg on the floor against single legs
    n,multi_leg,TLET stock and options electronic
    o,multi_leg,TLCT stock and options cross
    p,multi_leg,TLFT stock and options on the floor
    q,multi_leg,TESL stock and options against single legs
    r,multi_leg,TASL stock and options auction against single legs
    s,multi_leg,TFSL stock and options on the floor against single legs
    t,multi_leg,CBMO at a price agreed on the floor
    u,excluded,MCTP compression of positions
    v,plain,EXHT extended hours
    201,cancel,CANC
    202,excluded,OSEQ
    203,cancel,CNCL
    204,excluded,LATE
    205,cancel,CNCO
    206,excluded,OPEN
    207,cancel,CNOL
    208,excluded,OPNL
    209,plain,AUTO
    210,excluded,REOP
    219,sweep,ISOI
    227,auction,SLAN
    228,auction,SLAI
    229,auction,SLCN
    230,auction,SLCI
    231,auction,SLFT
    232,multi_leg,MLET
    233,multi_leg,MLAT
    234,multi_leg,MLCT
    235,multi_leg,MLFT
    236,multi_leg,MESL
    237,multi_leg,TLAT
    238,multi_leg,MASL
    239,multi_leg,MFSL
    240,multi_leg,TLET
    241,multi_leg,TLCT
    242,multi_leg,TLFT
    243,multi_leg,TESL
    244,multi_leg,TASL
    245,multi_leg,TFSL
    246,multi_leg,CBMO
    247,excluded,MCTP
    248,plain,EXHT
    """
}

extension Substring {
  fileprivate func trimming() -> String {
    let start = drop(while: \.isWhitespace)
    return String(start.reversed().drop(while: \.isWhitespace).reversed())
  }
}
