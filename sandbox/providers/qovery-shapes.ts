/** The simulated Qovery's request bodies, refusals, switches, and parts of its answers. */
import { z } from 'zod'
import { ODD_ROWS } from './odd-rows.js'
import { type Cluster, iso, type Service, WOOLWORKS } from './qovery-world.js'
import type { SimulatedRequest } from './server.js'
import type { SwitchState } from './simulator.js'

export const ERRORS: Readonly<Record<number, string>> = {
  ...{ 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 409: 'Conflict' },
  ...{ 415: 'Unsupported Media Type', 429: 'Too Many Requests', 503: 'Service Unavailable' },
}
export const SWITCHES: readonly Omit<SwitchState, 'on'>[] = [
  { id: 'fail-next', label: 'Let the next deployment fail', once: true },
  { id: 'fail-delete', label: 'Let the next deletion fail', once: true },
  { id: 'cancel-next', label: 'Cancel the next deployment half way', once: true },
  { id: 'stale-status', label: 'Show the old state for four seconds after a deploy call', once: false },
  { id: 'busy', label: 'Answer every write with 409, operation in progress', once: false },
  { id: 'hide-missing', label: 'Answer 403 for what does not exist', once: false },
  { id: 'missing-is-400', label: 'Answer 400 for what does not exist', once: false },
  { id: 'empty-errors', label: 'Leave the bodies of errors empty', once: false },
  { id: 'no-request-ids', label: 'Leave deployment request ids out', once: false },
  { id: 'one-broken', label: 'Answer 403 to status requests of the next deployed environment', once: true },
  { id: 'new-kind', label: 'List an unknown kind of service', once: false },
  { id: 'no-permission', label: 'Forbid the lists of the organization', once: false },
  { id: 'unknown-status', label: 'Report work in progress as "HIBERNATING"', once: false },
  { id: 'unpaid', label: 'Block deployments until the bill is paid', once: false },
  ODD_ROWS,
]

export const CLONEABLE = 'application|container|database|helm|job|terraform'
const GIT = z.strictObject({ git_commit_id: z.string().regex(/^[0-9a-f]{7,40}$/) })
export const deployBodies: Readonly<Record<string, z.ZodType>> = {
  application: GIT.optional(),
  container: z.strictObject({ image_tag: z.string().min(1) }).optional(),
  database: z.undefined(),
  job: z.union([GIT, z.strictObject({ image_tag: z.string().min(1) })]).optional(),
  helm: z
    .strictObject({ ...GIT.shape, chart_version: z.string() })
    .partial()
    .optional(),
  terraform: z
    .strictObject({ ...GIT.shape, action: z.enum(['PLAN', 'FORCE_UNLOCK', 'MIGRATE_STATE']) })
    .partial()
    .optional(),
  environment: z.undefined(),
}
export const cloneServiceBody = z.strictObject({ name: z.string().min(1), environment_id: z.uuid() })
export const cloneEnvironmentBody = z.strictObject({
  name: z.string().min(1),
  cluster_id: z.uuid().optional(),
  mode: z.enum(['DEVELOPMENT', 'PREVIEW', 'PRODUCTION', 'STAGING']).optional(),
  apply_deployment_rule: z.boolean().default(false),
  project_id: z.uuid().optional(),
})

/** Thrown by a handler and answered in the shape that the vendor's own clients read. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

export function showOrganization(id: string, isBlocked: boolean) {
  const name = id === WOOLWORKS ? 'Woolworks' : 'Woolworks Labs'
  return {
    id,
    name,
    created_at: iso(0),
    plan: 'TEAM',
    billing_deployment_restriction: isBlocked ? 'NO_CREDIT_CARD' : null,
  }
}

export function showCluster({ region, ...one }: Cluster) {
  return { ...named(one), region, cloud_provider: 'AWS', organization: { id: WOOLWORKS } }
}

export function named({ id, name, createdAt = 0 }: { id: string; name: string; createdAt?: number }) {
  return { id, created_at: iso(createdAt), updated_at: iso(createdAt), name }
}

export function showService(one: Service) {
  return { ...named(one), environment: { id: one.environmentId }, service_type: one.type, ...one.config }
}

/** The addresses of a live service: one for its port, and the one that people use. */
export function linksOf({ id, type }: Service) {
  const host = `z${id.slice(0, 4)}${id.slice(-4)}.woolworks.example`
  const base = { service_id: id, service_type: type, internal_port: 8080, external_port: 443, is_qovery_domain: true }
  return [
    { ...base, url: `https://p8080-${host}`, is_default: false },
    { ...base, url: `https://${host}`, is_default: true },
  ]
}

export function isSame(name: string, other: string): boolean {
  return name.trim().toLowerCase() === other.trim().toLowerCase()
}

/** A body must say that it is JSON, and be JSON. */
export function refuseForeign({ headers, body }: SimulatedRequest): void {
  const isSent = Number(headers['content-length']) > 0 || headers['transfer-encoding'] !== undefined
  if (!isSent) return
  if (!/^application\/json\b/.test(headers['content-type'] ?? ''))
    throw new Refusal(415, 'Content-Type is not supported')
  if (body === undefined) throw new Refusal(400, 'The body cannot be read as JSON')
}

export function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const { path = [], message } = parsed.error.issues[0] ?? {}
  throw new Refusal(400, `Invalid body${path.length > 0 ? ` at ${path.join('.')}` : ''}: ${message}`)
}
