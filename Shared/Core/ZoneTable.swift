/// The rules of one time zone, for turning civil times (file names, exchange bars) into instants by arithmetic.
///
/// Read once from the system's zone database; afterwards a lookup is one binary search, without allocation.
/// The host's own zone plays no part.
///
/// Civil times that are not exactly one instant:
/// - an *overlap* (the hour that is lived twice) means its first occurrence, the one still on the earlier rule
///   (daylight saving time when clocks go back);
/// - a *gap* (the hour that is skipped) is shifted forward by its length: 02:30 is what clocks show as 03:30.
package struct ZoneTable: Sendable {
  package let identifier: String
  /// Rules repeat for ever; they are written out until the end of this year, and the last offset holds after it.
  package static let lastYear = 2060

  /// One change of offset.
  struct Transition: Equatable, Sendable {
    var epochSeconds: Int64
    /// Seconds east of UTC from this instant on.
    var offset: Int32
  }

  private let firstOffset: Int32
  private let transitions: [Transition]
  /// The civil time (in seconds, as if it were UTC) from which `transitions[i].offset` is the one to subtract.
  private let civilStarts: [Int64]

  /// - Parameters:
  ///   - identifier: an IANA name such as `Asia/Jerusalem`.
  ///   - directory: the compiled zone database.
  /// - Throws: `Failure(.configuration)` when the zone (or the whole database) is missing or unreadable.
  package init(identifier: String, directory: String = "/usr/share/zoneinfo") throws(Failure) {
    let name = identifier.utf8
    guard !name.isEmpty, name.first != UInt8(ascii: "/"), !identifier.contains(".."), !name.contains(0) else {
      throw Failure(.configuration, code: "zone_unknown", "'\(identifier)' is not the name of a time zone")
    }
    let bytes: [UInt8]
    do {
      bytes = try readFile("\(directory)/\(identifier)", limit: 1 << 20)
    } catch {
      throw Failure(
        .configuration, code: "zone_unknown",
        "no time zone '\(identifier)' in \(directory) (\(error.message)); "
          + "check the name, or install the zone database (Debian package tzdata)")
    }
    guard let file = ZoneFile(bytes) else {
      throw Failure(
        .configuration, code: "zone_unreadable",
        "\(directory)/\(identifier) is not a compiled time zone; reinstall the Debian package tzdata")
    }
    self.init(identifier: identifier, file: file)
  }

  private init(identifier: String, file: ZoneFile) {
    self.identifier = identifier
    firstOffset = file.firstOffset
    var transitions = file.transitions
    if let rule = file.rule {
      let known = transitions.last?.epochSeconds ?? .min
      let lastDay = transitions.last.map { $0.epochSeconds.flooredDivision(by: 86_400).quotient }
      let firstYear = lastDay.map { CivilDate(daysSinceEpoch: $0).year } ?? 1990
      if firstYear <= Self.lastYear {
        for year in firstYear...Self.lastYear {
          for transition in rule.transitions(in: year) where transition.epochSeconds > known {
            transitions.append(transition)
          }
        }
      }
    }
    self.transitions = transitions
    var before = file.firstOffset
    var latest = Int64.min
    civilStarts = transitions.map { transition in
      // max covers both policies: in an overlap the old rule holds until the old clock is through, in a gap the
      // skipped civil times are still counted by the old rule, which lands them after the gap.
      let start = max(latest, transition.epochSeconds + Int64(max(before, transition.offset)))
      before = transition.offset
      latest = start
      return start
    }
  }

  /// The instant of a civil time in this zone and the offset in force at it, in seconds east of UTC.
  ///
  /// Fields beyond their usual range carry over (second 60 is the next minute, day 0 the day before the 1st);
  /// `month` must be 1...12.
  package func instant(
    year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0
  ) -> (epochSeconds: Int64, offsetSeconds: Int32) {
    let civil = CivilDate.daysSinceEpoch(year: year, month: month, day: day) * 86_400
      + Int64(hour) * 3_600 + Int64(minute) * 60 + Int64(second)
    let index = civilStarts.partitioningIndex { $0 > civil }
    let instant = civil - Int64(index == 0 ? firstOffset : transitions[index - 1].offset)
    return (instant, offsetSeconds(at: instant))
  }

  /// Seconds east of UTC in force at an instant.
  package func offsetSeconds(at epochSeconds: Int64) -> Int32 {
    let index = transitions.partitioningIndex { $0.epochSeconds > epochSeconds }
    return index == 0 ? firstOffset : transitions[index - 1].offset
  }
}

extension RandomAccessCollection where Index == Int {
  /// The first index whose element satisfies a predicate that is true for all elements after it; `endIndex` when none
  /// does. By bisection.
  @inlinable
  package func partitioningIndex(where belongs: (Element) -> Bool) -> Int {
    var (low, high) = (startIndex, endIndex)
    while low < high {
      let middle = (low + high) / 2
      if belongs(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
