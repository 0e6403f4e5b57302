@testable import BatchService
import Core
import Messages
import Testing

/// What is decided without a process: which run is wanted, and what the program's lines say.
@Suite struct JobTests {
  private func job(_ submitted: Int64, cancelled: Bool = false) -> BatchJob {
    BatchJob(jobID: "j", kind: .compact, submittedNs: submitted, cancelled: cancelled)
  }

  @Test func theLastRecordOfAJobSaysWhatIsWanted() {
    let book = JobBook()
    #expect(book.wish(for: job(1)) == .wanted)
    book.want(job(1), "j")
    #expect(book.wish(for: job(1)) == .wanted)
    book.want(job(2), "j")
    #expect(book.wish(for: job(1)) == .replaced)
    #expect(book.wish(for: job(2)) == .wanted)
    book.want(job(2, cancelled: true), "j")
    #expect(book.wish(for: job(2)) == .cancelled)
    // A run that is submitted after a job was cancelled is wanted.
    #expect(book.wish(for: job(3)) == .wanted)
    book.want(nil, "j")
    #expect(book.wish(for: job(3)) == .cancelled)
    #expect(book.wish(for: BatchJob(jobID: "other", kind: .compact, submittedNs: 1)) == .wanted)
  }

  @Test func aRunThatBeginsAfterItWasCancelledEndsAtOnce() {
    let book = JobBook()
    let running = book.begin(job(1))
    #expect(!running.isRaised)
    // A later submission waits for this one; it does not end it.
    book.want(job(2), "j")
    #expect(!running.isRaised)
    book.want(job(2, cancelled: true), "j")
    #expect(running.isRaised)
    book.end(job(1))
    #expect(book.begin(job(2)).isRaised)
    #expect(!book.begin(job(4)).isRaised)
  }

  @Test func nightlyJobsFollowEachOtherAndAreSubmittedOnce() throws {
    let nightly = try Nightly("20:30"), book = JobBook()
    // 2 March 2026, 20:30 in New York, is 1:30 UTC of the next day; a week later the clocks are an hour ahead.
    let due: Int64 = 1_772_501_400
    #expect(nightly.due(at: due) == due && nightly.due(at: due - 1) == due - 86_400)
    #expect(nightly.due(at: due + 7 * 86_400) == due + 7 * 86_400 - 3_600)
    #expect(nightly.next(at: due - 1, book) == nil, "a night that is long over is left")
    for (name, kind, parameters) in Nightly.jobs {
      let job = try #require(nightly.next(at: due + 60, book))
      #expect(job.kind == kind && job.jobID == "nightly-\(name)" && job.parameters == TextValues(parameters))
      book.want(job, job.jobID)
      #expect(nightly.next(at: due + 120, book) == nil, "it is submitted and has not ended")
      book.note(BatchStatus(of: job, state: kind == .features ? .failed : .done, at: 1))
    }
    #expect(nightly.next(at: due + 180, book) == nil)
    #expect(nightly.next(at: due + 86_400, book)?.kind == .compact)
    for text in ["8:30", "24:00", "20:60", "", "20:30:00", "ab:cd"] {
      #expect(throws: Failure.self) { try Nightly(text) }
    }
  }

  @Test func lines() throws {
    let event = try #require(JobEvent(line: """
      {"event":"published","dataset":"bars","manifest":"lake/bars/manifests/x.json","sequence":3,"rows":780,\
      "message":"","removed":0,"boundaries":[{"symbol":"AAPL","until_ns":7}]}
      """))
    #expect(event.event == .published && event.sequence == 3 && event.rows == 780)
    #expect(event.boundaries == [.init(symbol: "AAPL", untilNs: 7)])
    #expect(JobEvent(line: "INFO distributed: something") == nil)
    #expect(JobEvent(line: #"{"event":"unheard of"}"#) == nil)
  }
}
