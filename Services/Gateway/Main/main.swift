import GatewayService
import ServiceKit

await GatewayCommand.main()
