import SentimentWorkerService
import ServiceKit

await SentimentProgram.main()
