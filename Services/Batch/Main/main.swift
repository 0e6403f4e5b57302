import BatchService
import ServiceKit

await BatchRunnerCommand.main()
