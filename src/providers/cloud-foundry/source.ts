/** What is read of an original to be sent on unchanged, and never shown to people. */
import { z } from 'zod'
import { UserError } from '../../errors.js'
import { type Api, refusal } from '../provider.js'
import type { App } from './code.js'

type Lifecycle = App['lifecycle']

/** The old API took values that aren't text, the new one doesn't. They are sent as the text that the app sees anyway. */
export async function environmentOf(api: Api, app: string): Promise<Record<string, string>> {
  const variables = z.object({ var: z.record(z.string(), z.unknown()) })
  try {
    const known = await api.get(`/v3/apps/${app}/environment_variables`, variables, { isVerbatim: true })
    return Object.fromEntries(Object.entries(known.var).map(([name, value]) => [name, textOf(value)]))
  } catch (error) {
    // Switched off for everyone, not a missing right. The clone can do without it.
    if (!(error instanceof UserError && error.status === 403)) throw error
    throw refusal('environment', error.message, 403)
  }
}

function textOf(value: unknown): string {
  if (value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** How the clone is staged: like its original. */
export async function lifecycleOf(api: Api, app: string, fastPath: boolean): Promise<Lifecycle> {
  const shape = z.object({ lifecycle: z.looseObject({ type: z.string(), data: z.looseObject({}).optional() }) })
  const { lifecycle } = await api.get(`/v3/apps/${app}`, shape, { isVerbatim: true })
  // What is staged already needs no buildpack, and one with blanked credentials is refused.
  if (!fastPath || !hasSecrets(lifecycle)) return lifecycle
  return { type: lifecycle.type, data: { stack: lifecycle.data?.stack } }
}

/** Whether Cloud Foundry blanked credentials in it, of an address or of a registry. It takes no blanks back. */
export function hasSecrets(lifecycle: Lifecycle): boolean {
  return /:\/\/\*\*\*|"\*\*\*"/.test(JSON.stringify(lifecycle))
}
