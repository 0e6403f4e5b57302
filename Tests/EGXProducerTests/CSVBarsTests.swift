import Core
import CSV
@testable import EGXProducerService
import Messages
import Testing
import Values

@Suite struct CSVBarsTests {
  private func read(
    _ text: String, columns: String = "", mark: CSVNumbers.Mark? = nil
  ) throws -> (bars: [String], lost: Losses) {
    let format = try CSVFormat(columns: columns, dates: nil, mark: mark, isIntraday: false)
    var file = try CSVBars(Array(text.utf8), name: "A.csv", format: format)
    var bars: [String] = []
    while let bar = try file.next() {
      bars.append("\(bar.time / 86_400) \(bar.candle.close) \(bar.candle.volume ?? .zero)")
    }
    return (bars, file.lost)
  }

  @Test func columnsAreFoundOrRequired() throws {
    let header = "Day;Start;Top;Bottom;End;Close;Close\n"
    let row = "2025-01-20;1;2;1;1.5;7;8\n"
    #expect { try read(header.replacing(";Close;Close", with: "") + row) } throws: {
      "\($0)".contains("--csv-columns time=<name>,open=<name>")
    }
    let named = "time=Day,open=Start,high=Top,low=Bottom,close=End"
    #expect(try read(header + row, columns: named).bars == ["20108 1.5 0"])
    #expect { try read(header + row, columns: named.replacing(",close=End", with: "")) } throws: {
      "\($0)".contains("several columns are called 'close'")
    }
    #expect(try read(header + row, columns: named.replacing("End", with: "6")).bars == ["20108 8 0"])
    // Without a header, and below a title.
    #expect(try read(row, columns: "time=0,open=1,high=2,low=3,close=4").bars == ["20108 1.5 0"])
    #expect(try read("Prices of A\n\nDate,Open,High,Low,Last,Vol.\n20250120,1,2,1,2,3\n").bars == ["20108 2 3"])
    for wrong in ["price=x", "close", "close="] { #expect(throws: Failure.self) { try read(row, columns: wrong) } }
  }

  @Test func thousandsAreReadAsTheFileWritesNumbers() throws {
    let header = "date;open;high;low;close;volume\n"
    // Other numbers show that a comma separates thousands; where none does, it has to be said.
    let both = try read(header + "2025-01-20;1;2;1;2;1,234\n2025-01-21;1;2;1;2.5;7\n")
    #expect(both.bars == ["20108 2 1234", "20109 2.5 7"])
    #expect { try read(header + "2025-01-20;1;2;1;2;1,234\n") } throws: { "\($0)".contains("--csv-decimal") }
    #expect(try read(header + "2025-01-20;1;2;1;2;1,234\n", mark: .comma).bars == ["20108 2 1.234"])
    #expect(try read(header + "2025-01-20;1;2;1;2,5;1.234\n", mark: .comma).bars == ["20108 2.5 1234"])
  }

  @Test func aFileIsAboutOneSymbol() throws {
    let (bars, lost) = try read("symbol,date,open,high,low,close\nA,2025-01-20,1,1,1,1\nB,2025-01-20,9,9,9,9\n")
    #expect(bars == ["20108 1 0"] && lost.count == 1)
  }
}
