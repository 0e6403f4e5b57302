import DocumentWorkerService
import ServiceKit

await DocumentWorkerCommand.main()
