/** Many live jobs of Hoody. */
import { isExtra, type ManyJobs } from '../contract/example.js'

export const many: ManyJobs = {
  operation: 'copy',
  call: 'pages of a hundred containers, latest change first',
  calls: (count) => Math.ceil(count / 100),
  async refs(provider, api) {
    const copies = (await provider.pickers.copies?.(api, {})) ?? []
    return copies.filter(isExtra).map((one) => ({ id: one.value }))
  },
}
