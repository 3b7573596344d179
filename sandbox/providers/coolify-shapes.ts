/** What the simulated Coolify takes and refuses: its switches, the bodies of its calls, and its many ways to say no. */
import { z } from 'zod'
import { ODD_ROWS } from './odd-rows.js'
import type { SimulatedRequest } from './server.js'
import type { SwitchState } from './simulator.js'

export const SWITCHES: readonly Omit<SwitchState, 'on'>[] = [
  { id: 'fail-next', label: 'Let the next deployment or start fail', once: true },
  { id: 'cancel-next', label: 'Let somebody cancel the next deployment', once: true },
  { id: 'half-clone', label: 'Break halfway through the next clone (500)', once: true },
  { id: 'queue-full', label: 'Answer deployments with 429, queue full, retry after 60 seconds', once: false },
  { id: 'auto-deploy', label: 'Deploy each new clone before Dolly does, as a push would', once: false },
  { id: 'slow-agent', label: 'Show a new status a minute late', once: false },
  { id: 'keyed-deployments', label: 'List deployments as an object with numeric keys', once: false },
  { id: 'stuck-deploy', label: 'Leave deployments queued forever', once: false },
  { id: 'old-server', label: 'Be version 4.2, which cannot clone', once: false },
  { id: 'api-disabled', label: 'Switch the API off', once: false },
  { id: 'member', label: 'Treat the token as that of a mere member of the team', once: false },
  { id: 'no-permission', label: 'Take the ability to read from the token', once: false },
  { id: 'no-write', label: 'Take the ability to write from the token', once: false },
  { id: 'no-deploy', label: 'Take the ability to deploy from the token', once: false },
  { id: 'read-sensitive', label: 'Give the token the ability to read logs', once: false },
  { id: 'unknown-status', label: 'Report work in progress as "hibernating"', once: false },
  ODD_ROWS,
]

/** Thrown by a handler. */
export class Refusal extends Error {
  readonly body: object

  constructor(
    readonly status: number,
    message: string,
    more: object = {},
    readonly headers: Record<string, string> = {},
  ) {
    super(message)
    this.body = { message, ...more }
  }
}

const cloneBody = z.strictObject({
  destination_uuid: z.string(),
  name: z.string().max(255).nullish(),
  clone_volumes: z.boolean().default(false),
})
export const moveBody = z.strictObject({ environment_uuid: z.string() })

/** A clone must be asked for in JSON, and not with nothing. */
export function readClone({ body, headers }: SimulatedRequest): z.infer<typeof cloneBody> {
  const refuse = (error: string) => new Refusal(400, 'Invalid request.', { error })
  if (!headers['content-type']?.includes('json')) throw refuse('Content-Type must be application/json.')
  if (body === undefined) throw refuse('Invalid JSON.')
  if (Object.keys(body ?? {}).length === 0) throw refuse('Empty JSON.')
  return valid(cloneBody, body)
}

/** The body, or a 422 with a sentence for each field at fault. */
export function valid<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body ?? {})
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => [key, ['This field is not allowed.']])
      : [[issue.path.join('.'), [`The ${issue.path.join(' ').replaceAll('_', ' ')} field is invalid.`]]],
  )
  throw new Refusal(422, 'Validation failed.', { errors: Object.fromEntries(errors) })
}

/** What every answer of a refused request says of its limit. */
export function rateLimitHeaders(status: number): Record<string, string> {
  return status === 429 ? { 'x-ratelimit-limit': '200', 'x-ratelimit-remaining': '0' } : {}
}
