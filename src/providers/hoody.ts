/** Hoody: copies a container, or overwrites an earlier copy with the current state of its source. */
import { z } from 'zod'
import { errorMessage } from './hoody/api.js'
import { copy } from './hoody/copy.js'
import { pickers } from './hoody/pickers.js'
import { sync } from './hoody/sync.js'
import { defineProvider } from './provider.js'

export const hoody = defineProvider({
  id: 'hoody',
  name: 'Hoody',
  connection: z.object({
    url: z.url({ protocol: /^https?$/ }).default('https://api.hoody.com'),
    token: z.string().min(1),
  }),
  client: ({ url, token }) => ({ baseUrl: url, headers: { authorization: `Bearer ${token}` }, errorMessage }),
  pickers,
  operations: { copy, sync },
})
