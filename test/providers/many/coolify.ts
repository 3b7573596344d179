/** Many live jobs of Coolify. */
import { isExtra, type ManyJobs } from '../contract/example.js'

export const many: ManyJobs = {
  operation: 'clone-service',
  call: 'one list of all services',
  calls: () => 1,
  async refs(provider, api) {
    const services = (await provider.pickers.services?.(api, {})) ?? []
    return services.filter(isExtra).map((one) => ({ id: one.value, page: '/' }))
  },
}
