/** The simulated Rainbond's switches and the many shapes of its refusals. */

import { ODD_ROWS } from './odd-rows.js'

/** The vendor shows this token to everyone, in its lists of regions. */
export const REGION_TOKEN = 'region-token-woolworks-5b1e'
const TRACE = `Traceback (most recent call last):\n  File "views/base.py", line 139\nKeyError: '${REGION_TOKEN}'`

export const SWITCHES = [
  { id: 'fail-next', label: 'Let the running build fail, or the next one', once: true },
  { id: 'no-permission', label: 'Forbid the list of teams', once: false },
  { id: 'unknown-status', label: 'Report work in progress as "hibernating"', once: false },
  { id: 'swallow-build', label: 'Never start the build of the next copy’s first component', once: true },
  { id: 'scan-source', label: 'Scan the source of the next copy before it is built', once: true },
  { id: 'scan-only', label: 'Scan the source of the next copy, but never build it', once: true },
  { id: 'crash', label: 'Let copied components crash', once: false },
  { id: 'late-copy', label: 'Lose the next copy’s answer and finish it a minute later', once: true },
  { id: 'late-delete', label: 'Lose the next deletion’s answer and finish it a minute later', once: true },
  { id: 'empty-copy', label: 'Accept the next copy, but copy nothing', once: true },
  { id: 'roll-back', label: 'Roll the next copy back halfway, with leftovers in the cluster', once: true },
  { id: 'no-room', label: 'Refuse copies because the cluster is full', once: false },
  { id: 'too-frequent', label: 'Call the next copy or build too frequent', once: true },
  { id: 'build-refused', label: 'Refuse the next build that is started by hand', once: true },
  { id: 'region-down', label: 'Lose the regions: no status, no writes', once: false },
  { id: 'region-slow', label: 'Let the region time out at the next write', once: true },
  { id: 'licence', label: 'Let the cluster’s licence expire', once: false },
  { id: 'server-bug', label: 'Answer the next write with a stack trace', once: true },
  { id: 'one-broken', label: 'Answer with a stack trace for the components of the next new app', once: true },
  { id: 'old-events', label: 'Spell events as before 6.0, and leave totals out of lists', once: false },
  { id: 'new-events', label: 'Spell events in an unknown way', once: false },
  ODD_ROWS,
]

/** Thrown by a handler and answered as the vendor does. */
export class Refusal extends Error {
  readonly body: object

  constructor(
    readonly status: number,
    msg: unknown,
    code = status,
    body: object = {},
  ) {
    super(String(msg))
    this.body = { code, msg, msg_show: '请求错误', data: { bean: {}, list: [] }, ...body }
  }
}

export const denied = {
  detail: 'No such user or user is not admin',
  error_type: 'AuthenticationFailed',
  error_trace: TRACE,
}

/** To what it doesn't expect, the vendor answers with a stack trace. */
export const bug = { code: 10401, msg: 'boom', msg_show: TRACE, error_type: 'KeyError', error_trace: TRACE }

export function drfError(status: number, message: string) {
  return {
    detail: message,
    code: status,
    msg: message,
    msg_show: message,
    error_type: 'APIException',
    error_trace: TRACE,
  }
}
