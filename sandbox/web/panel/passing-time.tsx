/** How far the demo's clocks are ahead, and a button that lets hours pass within a minute. */
import { post, sentenceOf } from '../workspace/api.js'
import { useWorkspace } from '../workspace/context.js'

const HOUR_MS = 3_600_000

export function PassingTime() {
  const { snapshot, notify } = useWorkspace()
  const { time } = snapshot
  if (time === null) return null
  const isPassing = time.toGoMs > 0
  return (
    <fieldset className="provider">
      <legend>Time</legend>
      <div className="process">
        <span role="status">
          {isPassing
            ? `${hours(time.toGoMs)} to go`
            : time.aheadMs > 0
              ? `${hours(time.aheadMs)} ahead`
              : 'the present'}
        </span>
        <button
          type="button"
          className="button"
          disabled={isPassing}
          onClick={() => post('pass-time', {}).catch((error: unknown) => notify(sentenceOf(error)))}
        >
          Let seven hours pass
        </button>
      </div>
      <p className="process-hint">
        Takes a minute. Copies expire, reminders come, and a lost request that nobody can find becomes a question.
      </p>
    </fieldset>
  )
}

function hours(ms: number): string {
  return `${Math.ceil(ms / HOUR_MS)} h`
}
