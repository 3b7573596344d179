/** A connection's credentials, and the tokens they are worth. */
import { z } from 'zod'
import { ConnectionError, UserError } from '../../errors.js'
import type { Api, ClientOptions } from '../provider.js'
import { root } from './api.js'

/** Renewed this long before its end, in seconds, or at half its life. */
const MARGIN_S = 60
/** So long a refused login is not tried again: too many, and the account is locked. */
const REFUSED_MS = 60_000

const key = z.string().min(1).optional()
const keys = { clientId: key, clientSecret: key, username: key, password: key, origin: key, refreshToken: key }
export const connection = z
  .object({ url: z.url({ protocol: /^https?$/ }), ...keys, appUrl: z.string().startsWith('https://').optional() })
  .refine(
    ({ clientId, clientSecret, username, password, refreshToken }) =>
      [clientId && clientSecret, username && password, refreshToken].filter(Boolean).length === 1,
    'needs exactly one of clientId with clientSecret, username with password, or refreshToken',
  )

const tokens = z.object({ access_token: z.string(), expires_in: z.number(), refresh_token: key })

/** Keeps a token until shortly before its end, or until it is refused. */
export function createLogin(account: z.infer<typeof connection>): NonNullable<ClientOptions['authorize']> {
  const { clientId = '', clientSecret = '', username = '', password = '', origin } = account
  let { refreshToken } = account
  let token = { header: '', until: 0 }
  let refused = { error: new Error(), until: 0 }
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
      // A person logs in through the public client of the command line, which has no secret.
      ...(!clientSecret && { headers: { authorization: `Basic ${btoa('cf:')}` } }),
      ...(origin && { query: { login_hint: JSON.stringify({ origin }) } }),
    })
    if (refreshToken) refreshToken = answer.refresh_token ?? refreshToken
    const usefulMs = Math.max(answer.expires_in - MARGIN_S, answer.expires_in / 2) * 1000
    token = { header: `bearer ${answer.access_token}`, until: Date.now() + usefulMs }
  }

  return async (login, isRefused) => {
    if (refused.until > Date.now()) throw refused.error
    if (isRefused || token.until <= Date.now()) {
      pending ??= logIn(login).finally(() => {
        pending = undefined
      })
      await pending.catch((error: unknown) => {
        // Whatever it is that is wrong with a login, the form did not cause it.
        const told = error instanceof UserError ? new ConnectionError(error.message) : error
        if (told instanceof ConnectionError) refused = { error: told, until: Date.now() + REFUSED_MS }
        throw told
      })
    }
    return { authorization: token.header }
  }
}
