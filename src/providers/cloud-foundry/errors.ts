/** Cloud Foundry's refusals: what they mean, who must act, and what helps. */
import { z } from 'zod'
import { maskIds, type Verdict, withPeriod } from '../provider.js'

/** How long to wait for another build or deployment of the same app. */
export const APP_BUSY_MS = 30_000
/** What Cloud Foundry's own clients wait when the rate limiter doesn't say how long. */
export const SLOW_DOWN_MS = 60_000
const hints: Readonly<Record<string, string>> = {
  'CF-NotAuthorized': 'It needs the role Space Developer.',
  'CF-UniquenessError': 'Choose another name.',
}
const SUSPENDED = ['CF-OrgSuspended', 'CF-SpaceSuspended']
/** While an app is being deployed, neither its droplet nor its size can be set. That error has no title of its own. */
const DEPLOYING = /\bdeployment (is )?in (progress|flight)\b/i
/** Feature flags that operators may turn off, and how to do without. */
const switches: Readonly<Record<string, string>> = {
  env_var_visibility: 'Untick "Copy environment variables".',
  space_developer_env_var_visibility: 'Untick "Copy environment variables".',
  route_creation: 'Untick "Give it an address".',
  app_scaling: 'Untick "Copy the size".',
}

const problem = z.object({ title: z.string(), detail: z.string() })

/** Errors have three shapes: that of the API, of the old API and of the login. */
function problemOf(body: unknown): z.infer<typeof problem> | undefined {
  const fields = z.record(z.string(), z.unknown()).safeParse(body).data ?? {}
  const [first] = Array.isArray(fields.errors) ? fields.errors : []
  const old = { title: fields.error_code ?? fields.error, detail: fields.description ?? fields.error_description }
  return problem.safeParse(first ?? old).data
}

/** The error's sentence, with what helps. */
export function errorMessage(body: unknown): string | undefined {
  const { title, detail } = problemOf(body) ?? {}
  const hint = hints[title ?? '']
  return detail && maskIds(hint ? `${withPeriod(detail)} ${hint}` : detail)
}

/** Answers that their status alone would sort wrongly. */
export function classify({ status, body }: { status: number; body: unknown }): Verdict | undefined {
  const { title = '', detail = '' } = problemOf(body) ?? {}
  if (status === 404 && body === null) {
    // From a proxy in front of the API, whose own answers are JSON.
    return { blame: 'operator', sentence: 'There is nothing at this address. Is url in dolly.yml the root of the API?' }
  }
  if (status === 429) return later('It asks to slow down.', SLOW_DOWN_MS)
  if (status === 403 && SUSPENDED.includes(title)) {
    return { blame: 'user', sentence: `${withPeriod(detail)} Choose another space.` }
  }
  if (title === 'CF-FeatureDisabled') {
    // Not a missing right of this token: it is off for everyone.
    const name = Object.keys(switches).find((one) => new RegExp(`\\b${one}\\b`).test(detail))
    const sentence = name
      ? `Its operators have switched ${name} off. ${switches[name]}`
      : `Its operators have switched this off. ${withPeriod(detail)}`
    return { blame: 'user', sentence }
  }
  if (status === 422 && DEPLOYING.test(detail)) return later('The app has a deployment in progress.', APP_BUSY_MS)
  if (title === 'CF-StagingInProgress') return later('Another build of this app is being staged.', APP_BUSY_MS)
  return undefined
}

function later(sentence: string, retryAfterMs: number): Verdict {
  return { blame: 'nobody', sentence, hasNoEffect: true, retryAfterMs }
}
