/** The simulated Cloud Foundry's refusals, lists with their filters and pages, and logins. */
import type { Answer, SimulatedRequest } from './server.js'

/** Thrown by a handler and answered in the shape of the API version of the request. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly code: number,
    detail: string,
  ) {
    super(detail)
  }
}

export const unprocessable = (detail: string) => new Refusal(422, 'CF-UnprocessableEntity', 10008, detail)
export const notFound = (what: string) => new Refusal(404, 'CF-ResourceNotFound', 10010, `${what} not found`)
export const unauthorized = () =>
  new Refusal(403, 'CF-NotAuthorized', 10003, 'You are not authorized to perform the requested action')
export const switchedOff = (flag: string) => new Refusal(403, 'CF-FeatureDisabled', 330002, `Feature Disabled: ${flag}`)

export function answerOf(path: string, { status, title, code, message }: Refusal): Answer {
  const body = path.startsWith('/v2')
    ? { description: message, error_code: title, code }
    : { errors: [{ code, title, detail: message }] }
  return { status, body }
}

/** Times are whole seconds. */
export function iso(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+/, '')
}

export interface Listed {
  guid: string
  created_at: string
  name?: string | null
  metadata?: { labels: Record<string, string> }
}

/** A list of an API of version 3: filters, order and one page, with whole addresses to the next. */
export function list<T extends Listed>(
  { path, query }: SimulatedRequest,
  rows: readonly T[],
  filters: Readonly<Record<string, (row: T) => string | undefined>>,
  { host, includes = {} }: { host: string; includes?: Record<string, (rows: T[]) => unknown> },
) {
  const bad = (detail: string) =>
    new Refusal(400, 'CF-BadQueryParameter', 10005, `The query parameter is invalid: ${detail}`)
  const all: typeof filters = { guids: ({ guid }) => guid, ...filters }
  let found = [...rows]
  for (const [key, value] of query) {
    const filter = all[key]
    if (filter) {
      // Each value is decoded once more, after the whole was.
      const wanted = value.split(',').map((one) => decode(one, bad).toLowerCase())
      found = found.filter((row) => wanted.includes(filter(row)?.toLowerCase() ?? ''))
    } else if (key === 'label_selector') {
      const [label = '', wanted] = value.split('=')
      found = found.filter(({ metadata }) => metadata?.labels[label] === wanted)
    } else if (key === 'created_ats[gt]') {
      if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value)) throw bad('Created ats has an invalid timestamp format')
      found = found.filter(({ created_at }) => created_at > value)
    } else if (key === 'include' && !includes[value]) throw bad(`Invalid included resource: '${value}'`)
    else if (!['include', 'page', 'per_page', 'order_by'].includes(key))
      throw bad(`Unknown query parameter(s): '${key}'`)
  }
  const [page, size] = [Number(query.get('page') ?? 1), Number(query.get('per_page') ?? 50)]
  if (!Number.isInteger(page) || page < 1) throw bad('Page must be a positive integer')
  if (!Number.isInteger(size) || size < 1 || size > 5000) throw bad('Per page must be between 1 and 5000')
  const order = query.get('order_by') ?? 'created_at'
  const by = /^-?(name|created_at|updated_at)$/.exec(order)?.[1]
  if (!by) throw bad("Order by can only be: 'created_at', 'updated_at', 'name'")
  const keyOf = (row: T) => (by === 'name' ? (row.name ?? '') : row.created_at)
  found = found.toSorted((a, b) => keyOf(a).localeCompare(keyOf(b)) || a.guid.localeCompare(b.guid))
  if (order.startsWith('-')) found.reverse()

  const total_pages = Math.max(Math.ceil(found.length / size), 1)
  const hrefOf = (number: number) => {
    const address = new URLSearchParams(query)
    address.set('page', String(number))
    return { href: `${host}${path}?${address}` }
  }
  const resources = found.slice((page - 1) * size, page * size)
  const include = query.get('include')
  return {
    pagination: {
      total_results: found.length,
      total_pages,
      first: hrefOf(1),
      last: hrefOf(total_pages),
      next: page < total_pages ? hrefOf(page + 1) : null,
      previous: page > 1 ? hrefOf(page - 1) : null,
    },
    resources,
    ...(include && { included: includes[include]?.(resources) }),
  }
}

function decode(text: string, bad: (detail: string) => Refusal): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw bad('it cannot be decoded')
  }
}

const TOKEN_SECONDS = 1200
export const CLIENT = { clientId: 'dolly', clientSecret: 'baa-baa-black-sheep-4711' }
export const PERSON = { username: 'bo.peep@woolworks.example', password: 'lost-my-sheep-0815', origin: 'ldap' }
export const REFRESH_TOKEN = 'refresh-me-where-the-grass-is-green-r'
export const TOKEN_PREFIX = 'eyJhbGciOiJSUzI1NiJ9.woolworks'

/** The login server, on a host of its own. Tokens live as long as the vendor's default says. */
export function startLogin(now: () => number) {
  const ends = new Map<string, number>()
  let refreshToken = REFRESH_TOKEN
  let count = 0

  function logIn({ body, headers, query }: SimulatedRequest): Answer {
    const form: Record<string, unknown> = typeof body === 'object' && body !== null ? { ...body } : {}
    const refuse = (error: string, error_description: string) => ({ status: 401, body: { error, error_description } })
    const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded')
    if (!isForm || /^bearer/i.test(headers.authorization ?? ''))
      return refuse('unauthorized', 'Bad request to the login')
    const isCommandLine = headers.authorization === `Basic ${Buffer.from('cf:').toString('base64')}`
    if (form.grant_type === 'client_credentials') {
      const isRight = form.client_id === CLIENT.clientId && form.client_secret === CLIENT.clientSecret
      return isRight && !headers.authorization ? grant() : refuse('invalid_client', `Bad client ${form.client_secret}`)
    }
    if (!isCommandLine) return refuse('unauthorized', 'Full authentication is required to access this resource')
    if (form.grant_type === 'refresh_token') {
      if (form.refresh_token !== refreshToken)
        return refuse('invalid_token', `Invalid refresh token ${form.refresh_token}`)
      // Refresh tokens rotate, as some operators configure it: the old one stops working.
      refreshToken = `${REFRESH_TOKEN}-${count}`
      return grant({ refresh_token: refreshToken })
    }
    if (form.grant_type !== 'password') {
      return { status: 400, body: { error: 'unsupported_grant_type', error_description: 'Unsupported grant type' } }
    }
    const hint = query.get('login_hint')
    const isRight = form.username === PERSON.username && form.password === PERSON.password
    const isHome = hint === JSON.stringify({ origin: PERSON.origin })
    return isRight && isHome ? grant({ refresh_token: REFRESH_TOKEN }) : refuse('unauthorized', 'Bad credentials')
  }

  function grant(more: object = {}): Answer {
    const access_token = `${TOKEN_PREFIX}.${++count}`
    ends.set(access_token, now() + TOKEN_SECONDS * 1000)
    return { status: 200, body: { access_token, token_type: 'bearer', expires_in: TOKEN_SECONDS, ...more } }
  }

  /** @throws Refusal for a header that is missing, of the wrong scheme, or whose token is unknown or has ended. */
  function authorize(header: string | undefined): void {
    if (!header) throw new Refusal(401, 'CF-NotAuthenticated', 10002, 'Authentication error')
    const [scheme = '', token = ''] = header.split(' ')
    if (scheme.toUpperCase() !== 'BEARER' || (ends.get(token) ?? 0) <= now()) {
      throw new Refusal(401, 'CF-InvalidAuthToken', 1000, 'Invalid Auth Token')
    }
  }

  return { logIn, authorize, expire: () => ends.clear() }
}
