/** The providers Dolly can talk to. A new one is a file in this folder and a line here. */
import { cloudFoundry } from './cloud-foundry.js'
import { hoody } from './hoody.js'
import { miget } from './miget.js'
import type { Provider } from './provider.js'
import { qovery } from './qovery.js'
import { rainbond } from './rainbond.js'

export const providers: readonly Provider[] = [cloudFoundry, hoody, miget, qovery, rainbond]
