/** Cloud Foundry: clones an app into a new one, or copies the code of one app over that of another. */
import { cloneApp } from './cloud-foundry/clone.js'
import { copyBits } from './cloud-foundry/copy-bits.js'
import { classify, errorMessage } from './cloud-foundry/errors.js'
import { pickers } from './cloud-foundry/form.js'
import { connection, createLogin } from './cloud-foundry/login.js'
import { defineProvider } from './provider.js'

export const cloudFoundry = defineProvider({
  id: 'cloud-foundry',
  name: 'Cloud Foundry',
  connection,
  client: (account) => ({
    baseUrl: account.url,
    headers: {},
    authorize: createLogin(account),
    settings: { appUrl: account.appUrl },
    errorMessage,
    classify,
    timeoutMs: 30_000,
  }),
  pickers,
  operations: { clone: cloneApp, 'copy-bits': copyBits },
})
