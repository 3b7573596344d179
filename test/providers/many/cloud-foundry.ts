/** Many live jobs of Cloud Foundry. */
import { z } from 'zod'
import type { ManyJobs } from '../contract/example.js'

export const many: ManyJobs = {
  operation: 'clone',
  params: { services: [] },
  call: 'lists of a hundred guids, the longest address that fits',
  calls: (count) => Math.ceil(count / 100),
  async refs(_provider, api, count) {
    const list = z.object({ resources: z.array(z.object({ guid: z.string(), created_at: z.string() })) })
    const { resources } = await api.get('/v3/packages', list, { query: { per_page: 5000, order_by: 'created_at' } })
    return resources.slice(-count).map(({ guid }, index) => ({ app: `app-${index}`, waitFor: 'package', guid }))
  },
}
