/** Miget: clones an app into a project, and deploys the clone if it has an image to run. */
import { z } from 'zod'
import { errorMessage } from './miget/api.js'
import { clone } from './miget/clone.js'
import { pickers } from './miget/pickers.js'
import { defineProvider } from './provider.js'

export const miget = defineProvider({
  id: 'miget',
  name: 'Miget',
  connection: z.object({
    url: z.url({ protocol: /^https?$/ }).default('https://app.miget.com/api/v1'),
    token: z.string().min(1),
    // Always sent: without it Miget takes the workspace that was opened last.
    workspace: z.guid('expected the UUID of a workspace'),
  }),
  client: ({ url, token, workspace }) => ({
    baseUrl: url,
    headers: { authorization: `Bearer ${token}`, 'x-workspace-id': workspace },
    errorMessage,
  }),
  pickers,
  operations: { clone },
})
