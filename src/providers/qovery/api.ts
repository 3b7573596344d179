/** Qovery's API: its lists, its refusals, and what we read of its answers. */
import { z } from 'zod'
import { ConnectionError, isNotFound, UserError } from '../../errors.js'
import type { Api, Verdict } from '../provider.js'

/** The kinds of services that can be cloned, as paths spell them. Qovery has others, and will have more. */
export const KINDS = ['application', 'container', 'database', 'helm', 'job', 'terraform']
const NO_ACCESS = "It doesn't exist, or this connection's token has no access to it (403)."
const BUSY = 'Qovery is busy with another operation there.'

const text = z.string()
const readable = text.optional().catch(undefined)

/** What we read of something new: its ID. */
export const item = z.object({ id: text })
/** Every list is `{ results: [] }`. */
export const results = <T>(list: z.ZodType<T[]>) => z.object({ results: list }).transform((body) => body.results)
/** Every row of a list, readable or not: to prove that something is absent. */
const entry = z.object({ id: readable, name: readable }).catch({ id: undefined, name: undefined })
export type Entry = z.infer<typeof entry>
export const entries = results(z.array(entry))

export const environment = item.extend({ name: text, project: item, organization: item, mode: text.catch('') })
export type Environment = z.infer<typeof environment>

export function readEnvironment(api: Api, id: string): Promise<Environment> {
  return api.get(`/environment/${id}`, environment)
}

/** The organization that dolly.yml names, or the only one that the token sees. */
export async function organizationOf(api: Api): Promise<string> {
  if (api.settings?.organization) return api.settings.organization
  const all = await api.get('/organization', entries)
  const [only, other] = all
  if (only?.id && !other) return only.id
  const names = all.map(({ id, name }) => `${name ?? 'unreadable'} (${id ?? 'unreadable'})`).join(', ') || 'none'
  throw new ConnectionError(`Name one organization in dolly.yml, by its ID. The token sees: ${names}.`)
}

/** Qovery documents no body of an error; its own clients read this one. */
const problem = z
  .object({ detail: text.nullish(), error: text.nullish() })
  .transform(({ detail, error }) => detail || error || undefined)

export function errorMessage(body: unknown): string | undefined {
  return problem.safeParse(body).data
}

export function classify({ status, body }: { status: number; body: unknown }): Verdict | undefined {
  const sentence = errorMessage(body) ?? ''
  if (status === 403) return { blame: 'operator', sentence: `${NO_ACCESS} ${sentence}`.trim() }
  if (status === 409) return { blame: 'user', sentence: sentence ? `${BUSY} It says: ${sentence}` : BUSY }
  return status === 400 && /(not|n't) exist/i.test(sentence) ? { blame: 'user', sentence, status: 404 } : undefined
}

export const isBusy = (error: unknown): error is UserError => error instanceof UserError && error.status === 409

/** For `catch`: undefined for what doesn't exist or is hidden from us. Qovery's 403 may mean either. */
export function ifHidden(error: unknown): undefined {
  const isHidden = isNotFound(error) || (error instanceof ConnectionError && error.status === 403)
  if (!isHidden) throw error
}
