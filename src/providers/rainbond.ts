/** Rainbond: copies an app's components into a new app, and starts the builds that the server dropped. */
import { z } from 'zod'
import { defineOperation, defineProvider, sentence } from './provider.js'
import { classify, consoleUrlOf, errorMessage, MINUTE_MS } from './rainbond/api.js'
import { type CopyParams, fields, pickers } from './rainbond/form.js'
import { removal } from './rainbond/removal.js'
import { type RainbondRef, ref } from './rainbond/status.js'
import { build, copyComponents, createApp } from './rainbond/steps.js'
import { validateCopy } from './rainbond/validate.js'

const COPIED = 'with build source and its credentials, settings, ports, variables, config files and empty volumes'
const NOT_COPIED = 'Data in volumes, health checks, custom domains (public ports get new URLs)'

const copy = defineOperation<CopyParams, RainbondRef>({
  title: 'Copy an app',
  fields,
  ref,
  // Rainbond's names depend on case; the lock ignores it to be on the safe side.
  lock: ({ target, name }) => `copy:${target}/${name.toLowerCase()}`,
  summary: ({ app, target, name }) => ({ from: `${app}`, to: `${name} in ${target}` }),
  preview: ({ app, components, target }, named) => ({
    copied: sentence(
      components.length > 0 ? `Only ${named.components}` : 'All fully created components',
      COPIED,
    ).concat(' Then the copy is built and started.'),
    notCopied: sentence(NOT_COPIED, !app.startsWith(`${target}/`) && 'links to components of the old team and region'),
  }),
  validate: validateCopy,
  copiesData: true,
  deadlineMs: 60 * MINUTE_MS,
  steps: [createApp, copyComponents, build],
  removal,
})

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
