import SentimentWorkerService
import ServiceKit

await SentimentWorkerCommand.main()
