/** Qovery: clones a service of any kind, or a whole environment, and deploys the clone. */
import { z } from 'zod'
import { defineProvider } from './provider.js'
import { classify, errorMessage } from './qovery/api.js'
import { clone, cloneEnvironment } from './qovery/clone.js'
import { pickers } from './qovery/pickers.js'

/** A person's token. API tokens have another scheme; a scheme written before a token is kept. */
const JWT = /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/

export const qovery = defineProvider({
  id: 'qovery',
  name: 'Qovery',
  connection: z.object({
    url: z.url({ protocol: /^https?$/ }).default('https://api.qovery.com'),
    token: z.string().trim().min(1),
    organization: z.uuid("must be the ID after /organization/ in the console's address").optional(),
  }),
  client: ({ url, token, organization }) => ({
    baseUrl: url,
    settings: { organization },
    headers: { authorization: token.replace(/^(?!(Token|Bearer) )/, JWT.test(token) ? 'Bearer ' : 'Token ') },
    errorMessage,
    classify,
  }),
  pickers,
  operations: { clone, 'clone-environment': cloneEnvironment },
})
