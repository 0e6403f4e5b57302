import SchedulerService
import ServiceKit

await SchedulerProgram.main()
