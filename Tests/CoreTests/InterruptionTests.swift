import Core
import Testing

@Suite struct InterruptionTests {
  @Test func raisingWakesAllWaitersAndStays() async {
    let interruption = Interruption()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<100 { group.addTask { await interruption.wait() } }
      group.addTask { interruption.raise() }
    }
    #expect(interruption.isRaised)
    await interruption.wait()
    interruption.raise()
    #expect(await interruption.sleep(for: .seconds(3_600)))
  }

  @Test func cancelledWaitReturns() async {
    let interruption = Interruption()
    let waiting = Task { await interruption.wait() }
    waiting.cancel()
    await waiting.value
    #expect(!interruption.isRaised)
  }

  @Test func waitStartedInACancelledTaskReturns() async {
    let interruption = Interruption()
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      await interruption.wait()
      return await interruption.sleep(for: .seconds(3_600))
    }
    #expect(await task.value)
  }

  @Test func sleepThatEndsByItselfSaysSo() async {
    #expect(await !Interruption().sleep(for: .milliseconds(1)))
  }

  @Test func raiseEndsASleep() async {
    let interruption = Interruption()
    let sleeping = Task { await interruption.sleep(for: .seconds(3_600)) }
    interruption.raise()
    #expect(await sleeping.value)
  }

  @Test func raceOfRaiseWaitAndCancelResumesEveryWaiterOnce() async {
    for _ in 0..<500 {
      let interruption = Interruption()
      await withTaskGroup(of: Void.self) { group in
        let waiting = Task { await interruption.wait() }
        group.addTask { interruption.raise() }
        group.addTask { waiting.cancel() }
        group.addTask { await waiting.value }
      }
    }
  }
}
