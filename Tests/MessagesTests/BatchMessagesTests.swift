import Messages
import Testing

/// The messages of the batch layer: their exact bytes, and that they are read back.
@Suite struct BatchMessagesTests {
  private func expect<Value: Message>(_ message: Value, _ text: String) throws {
    #expect(String(decoding: message.encoded(), as: UTF8.self) == text)
    #expect(try Value(decoding: Array(text.utf8)) == message)
  }

  @Test func job() throws {
    let job = BatchJob(
      jobID: "nightly.1", kind: .optionsFlow, symbols: ["AAPL", "SPY"], fromNs: 5, untilNs: 7,
      parameters: TextValues([("feed", "polygon-stocks"), ("note", "say \"so\"")]), submittedNs: 1_764_600_000,
      by: "souk")
    try expect(job, """
      {"job_id":"nightly.1","kind":"options_flow","symbols":["AAPL","SPY"],"from_ns":5,"until_ns":7,\
      "parameters":{"feed":"polygon-stocks","note":"say \\"so\\""},"submitted_ns":1764600000,"by":"souk",\
      "cancelled":false}
      """)
    #expect(job.run == "nightly.1-1764600000")
    #expect(job.parameters["feed"] == "polygon-stocks" && job.parameters["model"] == nil)
  }

  @Test(arguments: [
    #"{"job_id":"a/b","kind":"compact","submitted_ns":1}"#, #"{"job_id":"","kind":"compact","submitted_ns":1}"#,
    #"{"job_id":"..","kind":"compact","submitted_ns":1}"#, #"{"job_id":"a","kind":"magic","submitted_ns":1}"#,
    #"{"job_id":"a","kind":"compact"}"#, #"{"job_id":"a","kind":"compact","from_ns":2,"until_ns":2,"submitted_ns":1}"#,
  ])
  func refused(_ text: String) {
    #expect(throws: DecodingFailure.self) { try BatchJob(decoding: Array(text.utf8)) }
  }

  @Test func status() throws {
    var status = BatchStatus(
      of: BatchJob(jobID: "nightly", kind: .compact, submittedNs: 3), state: .done, at: 9)
    (status.partsDone, status.partsTotal, status.rows, status.engine, status.attempt) = (2, 2, 780, "dask", 1)
    (status.dataset, status.manifest, status.sequence) = ("bars", "lake/bars/manifests/nightly-3.json", 12)
    status.boundaries = [.init(symbol: "AAPL", untilNs: 8)]
    (status.startedNs, status.finishedNs) = (4, 9)
    try expect(status, """
      {"job_id":"nightly","kind":"compact","run":"nightly-3","state":"done","parts_done":2,"parts_total":2,"rows":780,\
      "engine":"dask","attempt":1,"message":"","reason":null,"dataset":"bars",\
      "manifest":"lake/bars/manifests/nightly-3.json","sequence":12,\
      "boundaries":[{"symbol":"AAPL","until_ns":8}],"submitted_ns":3,"started_ns":4,"updated_ns":9,"finished_ns":9}
      """)
  }
}
