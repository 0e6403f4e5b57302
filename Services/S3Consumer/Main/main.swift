import S3ConsumerService
import ServiceKit

await S3ConsumerCommand.main()
