import ServiceKit
import SignalWorkerService

await SignalWorkerCommand.main()
