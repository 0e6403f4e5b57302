import ServiceKit
import SignalWorkerService

await SignalWorkerProgram.main()
