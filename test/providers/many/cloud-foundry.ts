/** Many live jobs of Cloud Foundry. */
import { z } from 'zod'
import type { ManyJobs } from '../contract/example.js'

/** The most that one page may hold. */
const PER_PAGE = 5_000

export const many: ManyJobs = {
  operation: 'clone',
  params: { services: [] },
  call: 'lists of a hundred guids, the longest address that fits',
  calls: (count) => Math.ceil(count / 100),
  // Apps and their bindings; none of these jobs has an address.
  removalCalls: (count) => [2 * Math.ceil(count / 100)],
  async refs(_provider, api, count) {
    const app = z.object({ data: z.object({ guid: z.string() }) })
    const row = z.object({ guid: z.string(), relationships: z.object({ app }) })
    const list = z.object({ resources: z.array(row) })
    const packages: z.infer<typeof row>[] = []
    for (let page = 1; packages.length === (page - 1) * PER_PAGE; page += 1) {
      const query = { per_page: PER_PAGE, page, order_by: 'created_at' }
      packages.push(...(await api.get('/v3/packages', list, { query })).resources)
    }
    return packages
      .slice(-count)
      .map(({ guid, relationships }) => ({ app: relationships.app.data.guid, waitFor: 'package', guid }))
  },
}
