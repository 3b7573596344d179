/** The providers Dolly can talk to. A new one is a file in this folder and a line here. */
export { cloudFoundry } from './cloud-foundry.js'
export { coolify } from './coolify.js'
export { hoody } from './hoody.js'
export { miget } from './miget.js'
export { qovery } from './qovery.js'
export { rainbond } from './rainbond.js'
