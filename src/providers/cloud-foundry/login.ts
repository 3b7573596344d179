/** The login to Cloud Foundry: its three kinds of credentials, and a token that is kept until shortly before its end. */
import { z } from 'zod'
import { ConnectionError, TemporaryError, UserError } from '../../errors.js'
import type { Api, ClientOptions } from '../provider.js'
import { SLOW_DOWN_MS } from './errors.js'

/** A token is renewed this long before its end, in seconds, or at half its life. */
const MARGIN_S = 60
/** How long to wait after a refused login: too many of them lock the account. */
const REFUSED_PAUSE_MS = 60_000
const key = z.string().min(1).optional()
export const connection = z
  .object({
    url: z.url({ protocol: /^https?$/ }),
    clientId: key,
    clientSecret: key,
    username: key,
    password: key,
    origin: key,
    refreshToken: key,
    appUrl: z.string().startsWith('https://').optional(),
  })
  .refine(
    ({ clientId, clientSecret, username, password, refreshToken }) =>
      [clientId && clientSecret, username && password, refreshToken].filter(Boolean).length === 1,
    'needs exactly one of clientId with clientSecret, username with password, or refreshToken',
  )

/** The API's root. It names the old version only if the operators left it on. */
export const root = z.object({
  links: z.object({ login: z.object({ href: z.url() }), cloud_controller_v2: z.unknown().optional() }),
})
const tokens = z.object({ access_token: z.string(), expires_in: z.number(), refresh_token: key })

/** Keeps a token until shortly before its end, or until it is refused. */
export function createLogin(account: z.infer<typeof connection>): NonNullable<ClientOptions['authorize']> {
  const { clientId = '', clientSecret = '', username = '', password = '', origin } = account
  let { refreshToken } = account
  let token = { header: '', until: 0 }
  /** The error of the last login, and until when no other is tried. */
  let paused = { error: new Error(), until: 0 }
  let pending: Promise<void> | undefined

  async function logIn(login: Api): Promise<void> {
    const { href } = (await login.get('/', root)).links.login
    const form: Record<string, string> = clientSecret
      ? { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }
      : refreshToken
        ? { grant_type: 'refresh_token', refresh_token: refreshToken }
        : { grant_type: 'password', username, password }
    const answer = await login.post(`${href.replace(/\/$/, '')}/oauth/token`, tokens, {
      form,
      // A token may be longer than any text that people read.
      isVerbatim: true,
      // A person logs in through the public client of the command line, which has no secret.
      ...(!clientSecret && { headers: { authorization: `Basic ${btoa('cf:')}` } }),
      ...(origin && { query: { login_hint: JSON.stringify({ origin }) } }),
    })
    if (refreshToken) refreshToken = answer.refresh_token ?? refreshToken
    const usefulMs = Math.max(answer.expires_in - MARGIN_S, answer.expires_in / 2) * 1000
    token = { header: `bearer ${answer.access_token}`, until: performance.now() + usefulMs }
  }

  return async (login, isRefused) => {
    if (paused.until > performance.now()) throw remaining(paused)
    if (isRefused || token.until <= performance.now()) {
      pending ??= logIn(login).finally(() => {
        pending = undefined
      })
      await pending.catch((error: unknown) => {
        // A refused login is never the fault of the person who filled in the form.
        const sorted = error instanceof UserError ? new ConnectionError(error.message) : error
        const pauseMs = sorted instanceof ConnectionError ? REFUSED_PAUSE_MS : rateLimitMs(sorted)
        if (sorted instanceof Error && pauseMs > 0) paused = { error: sorted, until: performance.now() + pauseMs }
        throw sorted
      })
    }
    return { authorization: token.header }
  }
}

/** How long the login server's rate limit asks us to wait, in milliseconds; 0 for any other failure. */
function rateLimitMs(error: unknown): number {
  return error instanceof TemporaryError && error.status === 429 ? (error.retryAfterMs ?? SLOW_DOWN_MS) : 0
}

/** The error of a pause, with the rest of its wait. */
function remaining({ error, until }: { error: Error; until: number }): Error {
  if (!(error instanceof TemporaryError)) return error
  const { message, status = 429 } = error
  return new TemporaryError(message, {
    mayHaveHappened: false,
    status,
    retryAfterMs: Math.ceil(until - performance.now()),
  })
}
