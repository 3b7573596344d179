/** Waits until the workspace shows something. */
import { asText } from './json.js'
import type { WaitFor } from './person.js'
import type { WorkspaceState } from './state.js'

const WAIT_MS = 5000

/** Looks now and after every change. */
export function createWaitFor(state: WorkspaceState): WaitFor {
  return (find, timeoutMs = WAIT_MS) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => finish(() => reject(new Error(timeoutMessage(state, timeoutMs)))), timeoutMs)
      const stop = state.onChange(check)
      function finish(complete: () => void): void {
        clearTimeout(timer)
        stop()
        complete()
      }
      function check(): void {
        try {
          const found = find()
          if (found) finish(() => resolve(found))
        } catch (error) {
          finish(() => reject(error))
        }
      }
      check()
    })
}

/** The message of a failed wait. The bot's last calls say most about what it was doing. */
function timeoutMessage(state: WorkspaceState, timeoutMs: number): string {
  const calls = state.calls
    .slice(-5)
    .map(({ method, answer }) => `${method} ${answer.ok ? 'ok' : asText(answer.error)}`)
  const messages = state
    .messages()
    .slice(-5)
    .map((message) => message.text)
  return `Nothing fit within ${timeoutMs} ms. Last calls: ${calls.join(', ') || 'none'}. Last messages: ${messages.join(' | ') || 'none'}.`
}
