import Core
import Logging
import ServiceKit

/// Sends the jobs of a time range in order, by a clock that runs `speed` times as fast.
package struct Replay: Sendable {
  let plan: SchedulePlan
  let queue: JobQueue
  let range: Range<Int64>
  /// 0: without waiting.
  let speed: Double
  let settings: Scheduler.Settings
  let metrics: SchedulerMetrics
  let context: ServiceContext

  /// - Returns: the number of acknowledged jobs: all, unless it was drained.
  package func run() async throws -> Int {
    let ready = context.health.readiness("kafka")
    ready.set(ready: true)
    let metrics = metrics
    let retry = OutageRetry(settings.backoff, readiness: ready, logger: context.logger) { metrics.retried($0) }
    let heartbeat = context.health.liveness("scheduler", maxAge: .seconds(120))
    let start = ContinuousClock.now
    var sent = 0
    var position = range.lowerBound
    while let next = plan.next(after: position - 1), next < range.upperBound {
      // Without waiting, an hour at a time; otherwise the jobs due within half a second of real time.
      let window = speed > 0 ? max(1, Int64(speed / 2)) : 3_600
      let end = min(next + window, range.upperBound)
      if speed > 0 {
        heartbeat.idle()
        let due = start + .seconds(Double(next - range.lowerBound) / speed)
        if due > .now, await context.drain.sleep(for: due - .now) { return sent }
      }
      let jobs = plan.jobs(in: next..<end)
      var index = 0
      while index < jobs.count {
        heartbeat.beat()
        let batch = jobs[index..<min(index + settings.batch, jobs.count)]
        guard try await send(batch, retry) else { return sent }
        sent += batch.count
        index += batch.count
      }
      metrics.progressed(to: end)
      position = end
    }
    metrics.replayed()
    return sent
  }

  private func send(_ batch: ArraySlice<DueJob>, _ retry: OutageRetry) async throws -> Bool {
    let tasks = batch.map { plan.task(of: $0, keepsDeadline: false) }
    guard try await retry("send", until: context.drain, { try await queue.send(tasks) }) != nil else { return false }
    var counts: [String: Int] = [:]
    for job in batch { counts[plan.name(of: job), default: 0] += 1 }
    for (schedule, count) in counts { metrics.sent(schedule, by: count) }
    return true
  }
}
