import Documents
import Testing

/// From bytes to blocks of text.
@Suite struct ReaderTests {
  private func lines(_ html: String, by size: Int = 1 << 16) throws -> [String] {
    let text = try read(html, by: size)
    return text.blocks.filter { $0.kind != .pageBreak }.map { text[$0] }
  }

  @Test(arguments: [
    ("<html><p>a<p>b", ["a", "b"]),
    ("<html><div>I<font size=2>TEM</font> 1.<br/>Business</div>", ["ITEM 1.", "Business"]),
    ("<html><p>  a \n\t b&nbsp;&#160;c&#xA0;d </p>", ["a b c d"]),
    ("<html><p>R&amp;D &lt;5&#37; it&#8217;s it&#146;s &ldquo;x&rdquo; &unknown; AT&T</p>",
     ["R&D <5% it’s it’s “x” &unknown; AT&T"]),
    ("<html><p>a\u{a0}b\u{200b}c\u{2003}d</p>", ["a bc d"]),
    ("<html><p>x<!-- <p>no</p> > -->y</p>", ["xy"]),
    ("<html><p title=\"a>b\">z</p>", ["z"]),
    ("<html><p>5 < 6</p>", ["5 < 6"]),
    ("<html><div style='DISPLAY: none'><div>no</div>no</div><p>yes</p>", ["yes"]),
    ("<html><ix:header><ix:hidden>no</ix:hidden></ix:header><p><ix:nonFraction scale='6'>1,024</ix:nonFraction> m</p>",
     ["1,024 m"]),
    ("<html><script>if (a<b) {}</script><style>p{}</style><p>t</p>", ["t"]),
    ("<html><table><tr><td>only</td></tr></table>", ["only"]),
    ("<html><table><tr><td><p>one</p><p>two</p></td></tr></table>", ["one", "two"]),
    ("<html><table><tr><td>Net sales</td><td>$</td><td>391,035</td><td></td><td>(2</td><td>)%</td></tr></table>",
     ["Net sales | $391,035 | (2)%"]),
    ("<html><table><tr><td>a<table><tr><td>b</td><td>1</td></tr></table></td></tr></table>", ["a", "b | 1"]),
    ("<html><table><tr><td>x<td>y<tr><td>z<td>w</table>after", ["x | y", "z | w", "after"]),
  ])
  func markup(html: String, expected: [String]) throws {
    #expect(try lines(html) == expected)
    // However the bytes come.
    for size in [1, 2, 3, 7] { #expect(try lines(html, by: size) == expected, "\(size)") }
  }

  @Test func bytesOfWindows() throws {
    var reader = DocumentReader(limit: 1_000)
    try reader.read(Array("<html><p>Nestl".utf8) + [0xe9] + Array(" x".utf8) + [0xa0] + Array("y</p>".utf8))
    let text = try reader.finish()
    #expect(text.blocks.count == 1 && text.text(at: 0).hasPrefix("Nestl"))
  }

  @Test func whatABlockIs() throws {
    let text = try read("""
      <html><p><b>Bold</b></p><p><span style="font-weight:bold">So</span> <a href="#x">link</a></p><h2>Head</h2>
      <p><a href="#toc">Contents</a></p><p style="page-break-before: always">next</p>
      """)
    #expect(text.blocks.map(\.isBold) == [true, false, true, false, false, false])
    #expect(text.blocks.map(\.isLink) == [false, false, false, true, false, false])
    #expect(text.blocks[4].kind == .pageBreak)
  }

  /// An image in an attribute is passed over without being held.
  @Test func anImageInATag() throws {
    var reader = DocumentReader(limit: 1_000)
    try reader.read(Array("<html><p>before</p><img src=\"data:image/png;base64,".utf8))
    for _ in 0..<40 { try reader.read([UInt8](repeating: 0x41, count: 1 << 16)) }
    try reader.read(Array("\"><p>after</p>".utf8))
    let text = try reader.finish()
    #expect(text.blocks.map { text[$0] } == ["before", "after"])
  }

  @Test func limits() throws {
    #expect(throws: DocumentError.self) { try read("<html><p>\(prose("much", 5_000))", limit: 1_000) }
    #expect(throws: DocumentError.self) { try read("<html><body></body></html>") }
    #expect(throws: DocumentError.self) { try read("%PDF-1.7 \(prose("x"))") }
    #expect(throws: DocumentError.self) { try read("") }
    // Markup without text does not count.
    let filler = String(repeating: "<span style=\"color:#000000\"></span>", count: 3_000)
    #expect(try read("<html><p>a</p>\(filler)", limit: 1_000).blocks.count == 1)
  }
}
