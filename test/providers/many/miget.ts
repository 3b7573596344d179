/** Many live jobs of Miget. */
import { isExtra, type ManyJobs } from '../contract/example.js'

export const many: ManyJobs = {
  operation: 'clone',
  call: 'one list of all apps',
  calls: () => 1,
  async refs(provider, api) {
    const apps = (await provider.pickers.apps?.(api, {})) ?? []
    return apps.filter(isExtra).map((one) => ({ id: one.value, name: one.label, next: 'deployed' }))
  },
}
