import InfluxConsumerService
import ServiceKit

await InfluxConsumerCommand.main()
