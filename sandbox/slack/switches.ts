/** Slack's faults, which the page and tests can switch on. */
import type { SwitchState } from '../providers/simulator.js'

/**
 * `rate-limit-bare`: the next message gets a 429 without Retry-After. `refuse-roots`: no message may begin a thread outside
 * of direct messages (`no_permission`). `lock-threads`: the same for replies (`restricted_action_thread_locked`).
 * `fail-view`: the next `views.update` gets a 503. `fail-response`: the next use of a response URL is
 * answered 500 and shows nothing. `refuse-plan`: the workspace doesn't have plan and task cards yet, so that messages with
 * one get `invalid_blocks`.
 */
export type SlackSwitch =
  | 'slow'
  | 'rate-limit'
  | 'rate-limit-bare'
  | 'lose-answer'
  | 'refuse-roots'
  | 'lock-threads'
  | 'fail-view'
  | 'fail-response'
  | 'refuse-plan'
  | 'down'

export type Switches = ReturnType<typeof createSwitches>

/** All off at first. `changed` is called after every change. */
export function createSwitches(changed: () => void) {
  const states: readonly (SwitchState & { id: SlackSwitch })[] = [
    { id: 'slow', label: 'Slack answers slowly', once: false, on: false },
    { id: 'rate-limit', label: 'Answer the next message with 429, retry after 2 s', once: true, on: false },
    { id: 'rate-limit-bare', label: 'Answer the next message with 429 without Retry-After', once: true, on: false },
    { id: 'lose-answer', label: 'Accept the next message, but lose the answer', once: true, on: false },
    { id: 'refuse-roots', label: 'Channels refuse new messages', once: false, on: false },
    { id: 'lock-threads', label: 'Channels refuse replies', once: false, on: false },
    { id: 'fail-view', label: 'Answer 503 to the next update of a form', once: true, on: false },
    { id: 'fail-response', label: 'Answer 500 to the next use of a response URL', once: true, on: false },
    { id: 'refuse-plan', label: 'Slack refuses plan blocks', once: false, on: false },
    { id: 'down', label: 'Slack is down', once: false, on: false },
  ]
  const find = (id: string) => states.find((state) => state.id === id)
  function set(id: string, on: boolean): void {
    const state = find(id)
    if (!state) throw new Error(`Slack has no switch ${id}.`)
    state.on = on
    changed()
  }
  return {
    all: (): readonly SwitchState[] => states.map((state) => ({ ...state })),
    set,
    isOn: (id: SlackSwitch): boolean => find(id)?.on === true,
    /** Whether it is on; switches it off, for faults that affect one request. */
    use(id: SlackSwitch): boolean {
      if (find(id)?.on !== true) return false
      set(id, false)
      return true
    },
  }
}
