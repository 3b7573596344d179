/** The simulated Hoody's request and response shapes, its refusals and its switches. */
import { z } from 'zod'
import { ODD_ROWS } from './odd-rows.js'
import type { SwitchState } from './simulator.js'

export const ERROR_NAMES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
}

const id = z.string().regex(/^[0-9a-f]{24}$/)
const slug = z.string().regex(/^[a-zA-Z0-9-_]+$/)
export const copyBody = z.strictObject({
  target_project_id: id,
  target_server_id: id.optional(),
  name: slug.min(3).max(100).optional(),
  ssh_public_key: z.string().nullish(),
  source_snapshot: slug.optional(),
  copy_firewall_rules: z.boolean().default(false),
  copy_network_rules: z.boolean().default(false),
  kvm: z.boolean().optional(),
  dev_kvm: z.boolean().optional(),
})

/** Thrown by a handler and answered in the vendor's envelope. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly data?: unknown,
  ) {
    super(message)
  }
}

export const SWITCHES: readonly Omit<SwitchState, 'on'>[] = [
  { id: 'fail-next', label: 'Let the next copy or sync fail', once: true },
  { id: 'no-permission', label: 'Forbid the lists of containers and projects', once: false },
  { id: 'unknown-status', label: 'Report work in progress as "hibernating"', once: false },
  ODD_ROWS,
]

export const CONTAINER_ORDERS = ['id', 'name', 'status', 'created_at', 'updated_at']

/** One page of a list, and the vendor's `pagination` for it. */
export function page<T extends object>(rows: T[], query: URLSearchParams, orders: readonly string[]) {
  const number = Number(query.get('page') ?? 1)
  const limit = Number(query.get('limit') ?? 10)
  const order = query.get('sort_by')
  const direction = query.get('sort_order') ?? 'asc'
  if (!Number.isInteger(number) || number < 1) throw new Refusal(400, 'Validation failed: page must be >= 1')
  if (!Number.isInteger(limit) || limit < 1 || limit > 100)
    throw new Refusal(400, 'Validation failed: limit must be <= 100')
  if (order && !orders.includes(order)) throw new Refusal(400, `Validation failed: sort_by must be one of ${orders}`)
  if (!['asc', 'desc'].includes(direction)) throw new Refusal(400, 'Validation failed: sort_order must be asc or desc')
  const value = (row: T) => String(Object.entries(row).find(([name]) => name === order)?.[1] ?? '')
  const sign = direction === 'asc' ? 1 : -1
  const sorted = order ? rows.toSorted((a, b) => sign * value(a).localeCompare(value(b))) : rows
  return {
    items: sorted.slice((number - 1) * limit, number * limit),
    pagination: { total: rows.length, page: number, limit, totalPages: Math.ceil(rows.length / limit) },
  }
}

export function checkId(text: string): string {
  if (!id.safeParse(text).success) throw new Refusal(400, 'Invalid ID format')
  return text
}
