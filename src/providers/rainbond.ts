/** Rainbond: copies an app's components into a new app, and starts the builds that the server dropped. */
import { z } from 'zod'
import { defineProvider } from './provider.js'
import { classify, consoleUrlOf, errorMessage } from './rainbond/api.js'
import { copy } from './rainbond/copy.js'
import { pickers } from './rainbond/pickers.js'

export const rainbond = defineProvider({
  id: 'rainbond',
  name: 'Rainbond',
  connection: z.object({ url: z.url({ protocol: /^https?$/ }), token: z.string().min(1) }),
  client: ({ url, token }) => ({
    baseUrl: url,
    // The bare token: Rainbond refuses it with a scheme before it.
    headers: { authorization: token },
    settings: { console: consoleUrlOf(url) },
    // A request may wait up to 35 s for a region.
    timeoutMs: 40_000,
    errorMessage,
    classify,
  }),
  pickers,
  operations: { copy },
  // The console keeps everything in one SQLite file unless set up otherwise, and a copy is one long transaction.
  maxConcurrentWrites: 1,
})
