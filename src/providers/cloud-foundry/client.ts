/** How Cloud Foundry is spoken to: its logins, its lists and its refusals. */
import { z } from 'zod'
import { ConnectionError, TemporaryError, UnreadableListError, UserError } from '../../errors.js'
import { cut } from '../../lib/text.js'
import { type Api, type ClientOptions, eachPart, maskIds, type Verdict } from '../provider.js'

/** Renewed this long before its end, in seconds, or at half its life. */
const MARGIN_S = 60
/** So long a refused login is not tried again: too many, and the account is locked. */
const REFUSED_MS = 60_000
const ROWS_PER_PAGE = 500
/** How long to wait for somebody else's build or deployment of the same app, in milliseconds. */
export const APP_BUSY_MS = 30_000
/** What the vendor's own clients wait where the limiter does not say how long. */
const SLOW_DOWN_MS = 60_000
const HINTS: Readonly<Record<string, string>> = {
  'CF-NotAuthorized': 'It takes the role Space Developer.',
  'CF-UniquenessError': 'Choose another name.',
}
const SUSPENDED = ['CF-OrgSuspended', 'CF-SpaceSuspended']
/** An app that is being deployed takes neither a droplet nor a size. The API has no title of its own for that. */
const DEPLOYING = /\bdeployment (is )?in (progress|flight)\b/i
/** Switches of the whole Cloud Foundry that somebody may have turned off, and how to do without. */
const SWITCHES: Readonly<Record<string, string>> = {
  env_var_visibility: 'Untick "Copy environment variables".',
  space_developer_env_var_visibility: 'Untick "Copy environment variables".',
  route_creation: 'Untick "Give it an address".',
  app_scaling: 'Untick "Copy the size".',
}

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

/** What the API says of itself. The old version is named only where the operator left it on. */
export const root = z.object({
  links: z.object({ login: z.object({ href: z.url() }), cloud_controller_v2: z.unknown().optional() }),
})
const tokens = z.object({ access_token: z.string(), expires_in: z.number(), refresh_token: key })

/** Keeps a token until shortly before its end, or until it is refused. */
export function createLogin(account: z.infer<typeof connection>): NonNullable<ClientOptions['authorize']> {
  const { clientId = '', clientSecret = '', username = '', password = '', origin } = account
  let { refreshToken } = account
  let token = { header: '', until: 0 }
  /** Why no login is tried at present. */
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
    if (paused.until > performance.now()) throw stillPaused(paused)
    if (isRefused || token.until <= performance.now()) {
      pending ??= logIn(login).finally(() => {
        pending = undefined
      })
      await pending.catch((error: unknown) => {
        // Whatever it is that is wrong with a login, the form did not cause it.
        const told = error instanceof UserError ? new ConnectionError(error.message) : error
        const pauseMs = told instanceof ConnectionError ? REFUSED_MS : limitedMs(told)
        if (told instanceof Error && pauseMs > 0) paused = { error: told, until: performance.now() + pauseMs }
        throw told
      })
    }
    return { authorization: token.header }
  }
}

/** How long a login server that limits us wants to be left alone, in milliseconds; 0 for any other failure. */
function limitedMs(error: unknown): number {
  return error instanceof TemporaryError && error.status === 429 ? (error.retryAfterMs ?? SLOW_DOWN_MS) : 0
}

/** The error of a pause, with what is left of its wait. */
function stillPaused({ error, until }: { error: Error; until: number }): Error {
  if (!(error instanceof TemporaryError)) return error
  const { message, status = 429 } = error
  return new TemporaryError(message, {
    mayHaveHappened: false,
    status,
    retryAfterMs: Math.ceil(until - performance.now()),
  })
}

/** What everything has, and all that is read of what was just made. */
export const item = z.object({ guid: z.string() })
/** As much of a name as a sentence has room for: names have up to 255 letters, and what is said of them must be read. */
export const MAX_NAME_LENGTH = 80
/** A name that is only read for use in sentences. */
export const shownName = z.string().transform((name) => cut(name, MAX_NAME_LENGTH))
/** A relationship to one other thing: its guid. */
export const link = z
  .object({ data: item.nullish() })
  .nullish()
  .transform((one) => one?.data?.guid)

type Query = Readonly<Record<string, string>>

/** All rows of a list to its end. One of another shape fails it, so what is not in it is surely not there. */
export async function list<T>(api: Api, path: string, row: z.ZodType<T>, query: Query = {}): Promise<T[]> {
  return (await listWith(api, path, z.array(row), z.array(item), query)).rows
}

/**
 * All rows of a list to its end, and by guid what the query has included beside them. Both are read as whole lists: with
 * `rows` where an odd row may be left out, with z.array where it must not.
 */
export async function listWith<T, O extends { guid: string }>(
  api: Api,
  path: string,
  resources: z.ZodType<T[]>,
  included: z.ZodType<O[]>,
  query: Query,
): Promise<{ rows: T[]; others: Map<string, O> }> {
  const page = z.object({
    pagination: z.object({ next: z.object({ href: z.string() }).nullish() }),
    resources,
    included: z.record(z.string(), included).default({}),
  })
  const rows: T[] = []
  const others = new Map<string, O>()
  const parts = eachPart(path, async (at: string) => {
    const options = at === path ? { query: { per_page: ROWS_PER_PAGE, ...query } } : {}
    const { resources, included, pagination } = await api.get(at, page, options)
    // A whole address of the same list. Whatever host or prefix of a proxy it names, only its query is of use.
    const href = pagination.next?.href ?? '/'
    if (!URL.canParse(href, 'https://api')) throw new UnreadableListError("The list's next page has no valid address.")
    const { search } = new URL(href, 'https://api')
    return {
      items: resources,
      beside: Object.values(included).flat(),
      next: pagination.next ? path + search : undefined,
    }
  })
  for await (const { items, beside } of parts) {
    rows.push(...items)
    for (const one of beside) others.set(one.guid, one)
  }
  return { rows, others }
}

/** All rows of a list, the newest first. */
export async function newestOf<T>(api: Api, path: string, row: z.ZodType<T>, query: Query): Promise<T[]> {
  return await list(api, path, row, { order_by: '-created_at', ...query })
}

const EVENTS = '/v3/audit_events'
export const dated = item.extend({ created_at: z.string() })
type Dated = z.infer<typeof dated>

/** The newest events of a kind about an app, to tell later ones from: their second and their guids; empty without any. */
export async function eventsBaseline(api: Api, target_guids: string, types: string): Promise<string> {
  const query = { target_guids, types, order_by: '-created_at', per_page: 50 }
  const { resources } = await api.get(EVENTS, z.object({ resources: z.array(dated) }), { query })
  const [newest] = resources
  const last = resources.filter(({ created_at }) => created_at === newest?.created_at)
  return newest ? [newest.created_at, ...last.map(({ guid }) => guid)].join(' ') : ''
}

/** The events of that kind that came after the baseline, the newest first. */
export async function eventsAfter<T extends Dated>(
  api: Api,
  baseline: string,
  row: z.ZodType<T>,
  target_guids: string,
  types: string,
): Promise<T[]> {
  const [second = '', ...known] = baseline.split(' ')
  const later: Query = second === '' ? {} : { 'created_ats[gt]': secondOf(Date.parse(second) - 1000) }
  const events = await newestOf(api, EVENTS, row, { target_guids, types, ...later })
  return events.filter(({ guid, created_at }) => created_at >= second && !known.includes(guid))
}

/** Cloud Foundry's times are whole seconds, and in this form their order is that of their letters. */
export function secondOf(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+/, '')
}

const problem = z.object({ title: z.string(), detail: z.string() })

/** The vendor's three ways to say what is wrong: of the API, of the old API, of the login. */
function problemOf(body: unknown): z.infer<typeof problem> | undefined {
  const fields = z.record(z.string(), z.unknown()).safeParse(body).data ?? {}
  const [first] = Array.isArray(fields.errors) ? fields.errors : []
  const old = { title: fields.error_code ?? fields.error, detail: fields.description ?? fields.error_description }
  return problem.safeParse(first ?? old).data
}

/** Its sentence, with a word on what helps. */
export function messageOf(body: unknown): string | undefined {
  const { title, detail } = problemOf(body) ?? {}
  const hint = HINTS[title ?? '']
  return detail && maskIds(hint ? `${closed(detail)} ${hint}` : detail)
}

/** What the status alone would sort wrongly. */
export function classify({ status, body }: { status: number; body: unknown }): Verdict | undefined {
  const { title = '', detail = '' } = problemOf(body) ?? {}
  if (status === 404 && body === null) {
    // Of a proxy in front of the API. The API's own are JSON.
    return { blame: 'operator', sentence: 'There is nothing at this address. Is url in dolly.yml the root of the API?' }
  }
  if (status === 429) {
    const sentence = 'It asks to slow down.'
    return { blame: 'nobody', sentence, hasNoEffect: true, retryAfterMs: SLOW_DOWN_MS }
  }
  if (status === 403 && SUSPENDED.includes(title)) {
    return { blame: 'user', sentence: `${closed(detail)} Choose another space.` }
  }
  if (title === 'CF-FeatureDisabled') {
    // Not a missing right of this token: no token has it.
    const name = Object.keys(SWITCHES).find((one) => new RegExp(`\\b${one}\\b`).test(detail))
    const sentence = name
      ? `Its operators have switched ${name} off. ${SWITCHES[name]}`
      : `Its operators have switched this off. ${closed(detail)}`
    return { blame: 'user', sentence }
  }
  if (status === 422 && DEPLOYING.test(detail)) {
    const sentence = 'The app has a deployment in progress.'
    return { blame: 'nobody', sentence, hasNoEffect: true, retryAfterMs: APP_BUSY_MS }
  }
  if (title === 'CF-StagingInProgress') {
    const sentence = 'Another build of this app is being staged.'
    return { blame: 'nobody', sentence, hasNoEffect: true, retryAfterMs: APP_BUSY_MS }
  }
  return undefined
}

/** A refusal with one more sentence to it; any other error as it is. */
export function adding(words: string, error: unknown): unknown {
  if (error instanceof UserError) {
    const { field, status } = error
    return new UserError(`${closed(error.message)} ${words}`, {
      ...(field !== undefined && { field }),
      ...(status !== undefined && { status }),
    })
  }
  if (!(error instanceof ConnectionError)) return error
  const { status } = error
  return new ConnectionError(`${closed(error.message)} ${words}`, status === undefined ? {} : { status })
}

/** With a full stop, so that another sentence may follow. */
export function closed(sentence: string): string {
  return sentence.replace(/\.?$/, '.')
}
